// What is published: its files, and that dist is built from these sources.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import typescript from 'typescript';
import * as published from '@goptri/express';
import * as hooks from '@goptri/express/fastify';

const folder = fileURLToPath(new URL('..', import.meta.url));
const read = (path) => readFileSync(join(folder, path), 'utf8');
const named = (path, end) => readdirSync(join(folder, path)).filter((name) => name.endsWith(end));

test('dist is what the sources give: otherwise, npm run build', () => {
  const { config } = typescript.readConfigFile(join(folder, 'tsconfig.json'), typescript.sys.readFile);
  // Without the files around a source, its format must be stated.
  const settings = { ...config.compilerOptions, module: 'ESNext', moduleResolution: 'bundler' };
  const { options: compilerOptions } = typescript.convertCompilerOptionsFromJson(settings, folder);
  const sources = named('src', '.ts');
  assert.deepEqual(
    named('dist', '.js'),
    sources.map((name) => name.replace('.ts', '.js')),
  );
  for (const name of sources) {
    const { outputText } = typescript.transpileModule(read(`src/${name}`), { compilerOptions });
    assert.equal(read(`dist/${name.replace('.ts', '.js')}`), outputText, name);
  }
});

test('the lock file names no registry', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved"|https?:\/\/[^"]*\.tgz/);
});

test('the package exports what its documentation says', () => {
  assert.deepEqual(Object.keys(published).sort(), [
    'SettingsError',
    'TokenError',
    'auth',
    'createGuard',
    'requiredScopes',
  ]);
  assert.deepEqual(Object.keys(hooks).sort(), ['auth', 'requiredScopes']);
});

test('the package has its sources, types and licences, and no test', () => {
  for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) assert.equal(read(licence), read(`../../${licence}`));
  const [{ files }] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: folder, encoding: 'utf8' }),
  );
  const paths = files.map(({ path }) => path);
  for (const path of [
    'dist/index.js',
    'dist/fastify.js',
    'src/index.ts',
    'LICENSE-MIT',
    'LICENSE-APACHE',
    'README.md',
  ]) {
    assert.ok(paths.includes(path), path);
  }
  assert.ok(
    paths.every((path) => /^(?:dist|src)\/|^(?:LICENSE-\w+|README\.md|package\.json)$/.test(path)),
    paths.join(),
  );
});
