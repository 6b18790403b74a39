// What is published: its size, its files, and that dist/index.js is built from these sources.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import * as published from '@goptri/browser';

const MAX_GZIPPED = 3 * 1024;

const folder = new URL('..', import.meta.url);
const read = (path) => readFileSync(new URL(path, folder), 'utf8');
const metadata = JSON.parse(read('package.json'));

test('the module has less than 3 KiB gzipped', (context) => {
  const { length } = gzipSync(read('dist/index.js'));
  context.diagnostic(`${length} bytes gzipped`);
  assert.ok(length < MAX_GZIPPED, `${length} bytes gzipped`);
});

test('dist/index.js is what the sources give: otherwise, npm run build', async () => {
  const options = metadata.scripts.build.match(/esbuild (.*)/)[1].split(' ');
  const value = (name) => options.find((option) => option.startsWith(`--${name}=`)).split('=')[1];
  const { outputFiles } = await build({
    absWorkingDir: folder.pathname,
    entryPoints: ['src/index.ts'],
    bundle: true,
    format: value('format'),
    target: value('target'),
    minifySyntax: options.includes('--minify-syntax'),
    minifyWhitespace: options.includes('--minify-whitespace'),
    write: false,
  });
  assert.equal(read('dist/index.js'), outputFiles[0].text);
});

test('the types are right', () => {
  execFileSync('node_modules/.bin/tsc', ['--noEmit', '--emitDeclarationOnly', 'false'], { cwd: folder });
});

test('a page that uses only an error gets only that', async () => {
  const { outputFiles } = await build({
    stdin: { contents: "import { GoptriError } from '@goptri/browser'; GoptriError;", resolveDir: folder.pathname },
    bundle: true,
    format: 'esm',
    minify: true,
    write: false,
  });
  assert.ok(outputFiles[0].text.length < 400, outputFiles[0].text);
});

test('the package exports what its documentation names, and depends on nothing', () => {
  assert.deepEqual(Object.keys(published), ['GoptriError', 'createClient', 'memoryStorage']);
  assert.equal(metadata.dependencies, undefined);
  assert.equal(metadata.sideEffects, false);
});

test('the package has its licences and all files that its metadata names', () => {
  for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) assert.equal(read(licence), read(`../../${licence}`));
  const pack = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const [{ files }] = JSON.parse(execFileSync('npm', pack, { cwd: folder }));
  const packed = files.map(({ path }) => path);
  for (const path of ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'dist/index.js', 'src/index.ts']) {
    assert.ok(packed.includes(path), `${path} is not in ${packed}`);
  }
  assert.ok(packed.every((path) => /^(LICENSE-|README.md$|dist\/|package.json$|src\/)/.test(path)), `${packed}`);
});

test('the lock file names no registry', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved"|https?:\/\/[^"]*\.tgz/);
});

test('a missing auth-server and a misspelt mode are errors', () => {
  const { createClient } = published;
  assert.throws(() => createClient({ mode: 'bearer' }), /^TypeError: authServer is missing/);
  for (const mode of ['cookies', 'Bearer', undefined]) {
    assert.throws(() => createClient({ authServer: '/auth', mode }), /^TypeError: mode is 'cookie' or 'bearer'/);
  }
});
