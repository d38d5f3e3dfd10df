// The provider's package: `npm run pack` makes dist/cocoon-worker-node-<version>.tgz, which installs anywhere with npm.
//
// Our own code is bundled. llama.cpp's binding travels beside it, without its postinstall step (which would build or
// download) and without the CUDA and Vulkan binaries that npm would fetch for it: half a gigabyte that only a provider with
// such a GPU wants, and asks for by name.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'

const STAGE = 'dist/node-package'
const BINDING = 'node_modules/node-llama-cpp'
/** Of the binding's own files: what loads prebuilt binaries. Its sources of llama.cpp are 35 MB for building others. */
const KEPT = /^(LICENSE|package\.json|dist\/.*\.js|llama\/(grammars\/.*|[^/]*\.json))$/
/** Prebuilt binaries that every machine of their kind runs. */
const PLAIN = /^@node-llama-cpp\/(linux|mac|win)-(x64|arm64|armv7l|riscv64|arm64-metal)$/

const read = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** Bundles an entry with everything but what `outside` says is elsewhere, and where. Returns what is asked for there. */
async function bundle(input, outside, write) {
  const asked = new Set()
  const plugin = {
    name: 'outside',
    enforce: 'pre',
    resolveId(id) {
      const other = outside(id)
      if (other === undefined) return undefined
      asked.add(other)
      return { id: other, external: true }
    },
  }
  const output = {
    dir: join(STAGE, 'dist'),
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    banner: (chunk) => (chunk.isEntry ? '#!/usr/bin/env node' : ''),
  }
  await build({
    configFile: false,
    logLevel: 'warn',
    plugins: [plugin],
    ssr: { noExternal: true },
    // Readable, so that what a provider runs can be compared with what is published.
    build: {
      ssr: true,
      write,
      minify: false,
      target: 'node22',
      emptyOutDir: false,
      rolldownOptions: { input, output },
    },
  })
  return asked
}

/** What the binding imports when it only loads what is there, so that nobody installs its builders and its own commands. */
async function bindingNeeds() {
  const named = (id) => (/^@?[a-z]/i.test(id) && !/^(node:|[a-z]:)/i.test(id) ? id : undefined)
  const asked = await bundle(`./${BINDING}/dist/index.js`, named, false)
  return new Set(
    [...asked].map((id) =>
      id
        .split('/')
        .slice(0, id.startsWith('@') ? 2 : 1)
        .join('/'),
    ),
  )
}

export async function pack() {
  rmSync(STAGE, { recursive: true, force: true })
  mkdirSync(STAGE, { recursive: true })
  await bundle(
    'worker-node/src/main.ts',
    (id) => (id === 'node-llama-cpp' ? '../vendor/node-llama-cpp/dist/index.js' : undefined),
    true,
  )
  cpSync(BINDING, join(STAGE, 'vendor/node-llama-cpp'), {
    recursive: true,
    filter: (path) =>
      path === BINDING || keptDirectory(path.slice(BINDING.length + 1)) || KEPT.test(path.slice(BINDING.length + 1)),
  })
  const binding = read(`${BINDING}/package.json`)
  const { name, version, type, exports, license } = binding
  writeFileSync(join(STAGE, 'vendor/node-llama-cpp/package.json'), json({ name, version, type, license, exports }))
  const needs = await bindingNeeds()
  const ours = read('worker-node/package.json')
  const manifest = {
    name: 'cocoon-worker-node',
    version: ours.version,
    description: "A provider's node of Cocoon, the confidential compute open network.",
    license: ours.license,
    type: 'module',
    bin: { 'worker-node': 'dist/main.js' },
    engines: { node: '>=22' },
    files: ['dist', 'vendor', 'demo-model', 'packaging', 'LICENSE'],
    // The versions that were tested, not whatever is newest on the day of an install.
    dependencies: Object.fromEntries(
      Object.keys(binding.dependencies)
        .filter((dependency) => needs.has(dependency))
        .map((dependency) => [dependency, installed(dependency)]),
    ),
    optionalDependencies: pick(binding.optionalDependencies, (dependency) => PLAIN.test(dependency)),
  }
  writeFileSync(join(STAGE, 'package.json'), json(manifest))
  cpSync('worker-node/demo-model/cocoon-demo.gguf', join(STAGE, 'demo-model/cocoon-demo.gguf'))
  cpSync('worker-node/packaging', join(STAGE, 'packaging'), { recursive: true })
  cpSync('docs/running-a-node.md', join(STAGE, 'README.md'))
  cpSync('LICENSE', join(STAGE, 'LICENSE'))
  return manifest
}

function keptDirectory(path) {
  return /^(dist(\/[^.]*)?|llama|llama\/grammars)$/.test(path)
}

/** The version that the binding itself gets here. */
function installed(dependency) {
  const own = `${BINDING}/node_modules/${dependency}/package.json`
  return read(existsSync(own) ? own : `node_modules/${dependency}/package.json`).version
}

function pick(from, wanted) {
  return Object.fromEntries(Object.entries(from ?? {}).filter(([name]) => wanted(name)))
}

function json(value) {
  return `${JSON.stringify(value, null, 2)}\n`
}

if (import.meta.filename === process.argv[1]) {
  const { name, version } = await pack()
  const npm = ['pack', '--silent', '--pack-destination', '..']
  const { status } = spawnSync('npm', npm, { cwd: STAGE, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
  console.log(`dist/${name}-${version}.tgz`)
}
