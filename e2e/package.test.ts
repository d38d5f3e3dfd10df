import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { pack } from '../scripts/pack-node.mjs'

// That it installs and answers far from here takes a registry and half a minute: `npm run pack -- --prove`.
const stage = fileURLToPath(new URL('../dist/node-package', import.meta.url))
const run = promisify(execFile)

it('the provider’s package holds our code and asks npm for nothing heavy', async () => {
  const manifest = await pack()
  const asked = { ...manifest.dependencies, ...manifest.optionalDependencies }
  for (const [name, version] of Object.entries(asked)) {
    expect(name).not.toMatch(/cuda|vulkan|^@cocoon\/|cmake|^node-llama-cpp$/)
    // One version, which was tested.
    expect(version).toMatch(/^\d+\.\d+\.\d+$/)
  }
  expect(Object.keys(asked)).toContain('@node-llama-cpp/linux-x64')
  // No step of an install runs: llama.cpp's binding would build or download in one.
  expect(manifest).not.toHaveProperty('scripts')
  const files = readdirSync(stage, { recursive: true, encoding: 'utf8' })
  for (const wanted of [
    'LICENSE',
    'README.md',
    'dist/main.js',
    'demo-model/cocoon-demo.gguf',
    'packaging/Containerfile',
    'packaging/cocoon-node.service',
    'packaging/grafana-dashboard.json',
    'vendor/node-llama-cpp/LICENSE',
    'vendor/node-llama-cpp/llama/grammars/json.gbnf',
  ]) {
    expect(files).toContain(wanted)
  }
  for (const file of files) expect(file).not.toMatch(/\.(ts|map|bundle)$/)
  const code = files
    .filter((file) => /^dist\/.*\.js$/.test(file))
    .map((file) => readFileSync(`${stage}/${file}`, 'utf8'))
  // What a development build trusts is in none that a provider installs (docs/decisions/014).
  const development = readFileSync(new URL('../protocol/src/appraisal/pins/development.ts', import.meta.url), 'utf8')
  const roots = development.match(/[0-9a-f]{64}|[A-Za-z0-9+/_-]{60,}/g) ?? []
  expect(roots.length).toBeGreaterThan(0)
  for (const root of roots) expect(code.join('\n')).not.toContain(root)
}, 60_000)

it('its command runs, and starts the engine that it brings', async () => {
  const command = (...args: string[]) =>
    run(process.execPath, [`${stage}/dist/main.js`, ...args], { cwd: '/' }).catch(
      (error: unknown) => error as { stdout: string },
    )
  expect((await command('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  const { stdout } = await command('doctor', '--broker', 'http://127.0.0.1:9', '--network', 'localnet')
  expect(stdout).toMatch(/ok +engine +cocoon-demo said a first word/)
})
