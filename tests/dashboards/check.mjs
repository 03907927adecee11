// Checks the JSON of dashboards against Grafana's types (model.ts), and queries of Loki against its grammar.
// Prints each mistake.
//
//   node check.mjs FOLDER FILE…    scripts/test installs package-lock.json into FOLDER/node_modules

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, resolve } from 'node:path';

const [folder, ...files] = process.argv.slice(2);
const require = createRequire(resolve(folder, 'package.json'));
const ts = require('typescript');
const { parser } = require('@grafana/lezer-logql');
let mistakes = 0;
const report = (where, what) => {
  ++mistakes;
  console.log(`${where}: ${what}`);
};

// Each dashboard is a virtual source file beside node_modules; nothing is written there.
const sources = new Map([
  [resolve(folder, 'model.ts'), readFileSync(new URL('model.ts', import.meta.url), 'utf8')],
]);
for (const file of files) {
  sources.set(
    resolve(folder, `${basename(file)}.ts`),
    `import type { Dashboard } from './model'; export const dashboard: Dashboard =\n${readFileSync(file, 'utf8')};`,
  );
}
const options = {
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  noEmit: true,
  skipLibCheck: true,
  strict: true,
  types: [],
};
const host = ts.createCompilerHost(options);
const { fileExists, readFile } = host;
host.fileExists = (name) => sources.has(resolve(name)) || fileExists(name);
host.readFile = (name) => sources.get(resolve(name)) ?? readFile(name);
const program = ts.createProgram([...sources.keys()], options, host);
for (const { file, start, messageText } of ts.getPreEmitDiagnostics(program)) {
  // The JSON starts in the second line.
  const where = file ? `${basename(file.fileName, '.ts')}:${file.getLineAndCharacterOfPosition(start).line}` : 'types';
  report(where, ts.flattenDiagnosticMessageText(messageText, '\n'));
}

const values = { loki_labels: 'app="backups"', __interval: '1m' };
let queries = 0;
for (const file of files) {
  const panels = JSON.parse(readFileSync(file, 'utf8')).panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
  for (const panel of panels.filter(({ datasource }) => datasource?.type === 'loki')) {
    for (const { expr } of panel.targets) {
      ++queries;
      const filled = expr.replace(/\$\{?(\w+)(:\w+)?\}?/g, (_, name) => values[name] ?? 'value');
      parser.parse(filled).iterate({
        enter(node) {
          if (node.type.isError) report(`${basename(file)}: ${panel.title}`, `not LogQL at ${node.from}: ${filled}`);
        },
      });
    }
  }
}
console.log(`${files.length} dashboards and ${queries} queries of Loki, ${mistakes} mistakes`);
process.exit(files.length > 0 && mistakes === 0 ? 0 : 1);
