/**
 * Makes `built/`: what the browser gets, under names that change with the content, with `.br` and `.gz` beside each,
 * and `manifest.json` from plain name to hashed name. With `--node`, also what the tests run in Node (`built/node/`).
 */

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, parse } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const built = join(here, "built");
const nodeBuilt = join(built, "node");
const tests = join(here, "..", "tests");

const common = { bundle: true, write: false, logLevel: "warning", legalComments: "none", absWorkingDir: here };

async function forBrowsers() {
  const { outputFiles } = await build({
    ...common,
    entryPoints: ["session", "before", "waiting", "desk", "staff", "site", "check"]
      .map((name) => `src/${name}.ts`)
      .concat("styles/main.css"),
    outdir: built,
    outbase: here,
    entryNames: "[name]",
    format: "esm",
    target: "es2020",
    minify: true,
  });
  const manifest = {};
  for (const { path, contents } of outputFiles) {
    const { name, ext } = parse(path);
    const hash = createHash("sha256").update(contents).digest("base64url").slice(0, 12);
    manifest[basename(path)] = `${name}-${hash}${ext}`;
    writeOnce(manifest[basename(path)], Buffer.from(contents));
  }
  put("manifest.json", JSON.stringify(manifest, null, 2) + "\n");
  return manifest;
}

/** A name with a hash never gets other bytes, so compressing once is enough. */
function writeOnce(name, bytes) {
  const brotli = { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } };
  if (!existsSync(join(built, `${name}.br`))) put(`${name}.br`, brotliCompressSync(bytes, brotli));
  if (!existsSync(join(built, `${name}.gz`))) put(`${name}.gz`, gzipSync(bytes, { level: 9 }));
  if (!existsSync(join(built, name))) put(name, bytes);
}

/** By renaming, so that nobody who reads meanwhile gets half a file. */
function put(name, bytes) {
  const whole = join(built, name);
  const part = join(dirname(whole), `.${basename(whole)}.${process.pid}`);
  writeFileSync(part, bytes);
  renameSync(part, whole);
}

function removeOld(manifest) {
  const current = Object.values(manifest);
  const kept = new Set(["manifest.json", "node", ...current, ...current.flatMap((name) => [`${name}.br`, `${name}.gz`])]);
  // Files that begin with a dot belong to a build that runs beside this one.
  const old = readdirSync(built).filter((name) => !kept.has(name) && !name.startsWith("."));
  for (const name of old) rmSync(join(built, name), { recursive: true });
}

async function forNode() {
  const stories = readdirSync(join(tests, "client")).filter((name) => name.endsWith(".test.ts"));
  const { outputFiles } = await build({
    ...common,
    entryPoints: [join(tests, "world", "harness.ts"), ...stories.map((name) => join(tests, "client", name))],
    outdir: nodeBuilt,
    entryNames: "[name]",
    outExtension: { ".js": ".mjs" },
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "inline",
  });
  mkdirSync(nodeBuilt, { recursive: true });
  for (const { path, contents } of outputFiles) put(join("node", basename(path)), Buffer.from(contents));
  const current = new Set(outputFiles.map(({ path }) => basename(path)));
  for (const name of readdirSync(nodeBuilt)) if (!current.has(name) && !name.startsWith(".")) rmSync(join(nodeBuilt, name));
}

mkdirSync(built, { recursive: true });
if (process.argv.includes("--node")) await forNode();
removeOld(await forBrowsers());
