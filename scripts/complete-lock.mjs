// Run after every change of package-lock.json: `node scripts/complete-lock.mjs`.
//
// npm writes into the lock only the platform builds that its registry offers. Some mirrors lack those of foreign
// platforms; a lock made there fails elsewhere with "Missing: ... from lock file". This adds the missing optional
// entries, so that one lock serves every platform. They have no digest: npm fills it in where they are installed.
import { readFileSync, writeFileSync } from 'node:fs'

const systems = ['darwin', 'linux', 'win32', 'freebsd', 'openbsd', 'netbsd', 'android', 'openharmony', 'sunos', 'aix']
const processors = ['arm64', 'x64', 'ia32', 'arm', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el']

const { overrides = {} } = JSON.parse(readFileSync('package.json', 'utf8'))
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'))
const packages = lock.packages
const added = []

/** Names differ in how they spell a platform; npm's own words are those of process.platform and process.arch. */
function platformOf(name) {
  const words = (name.split('/').pop() ?? '')
    .replace('windows', 'win32')
    .replace('darwin-64', 'darwin-x64')
    .replace('win32-64', 'win32-x64')
    .replace('armv7l', 'arm')
    .replace(/arm-(gnu|musl)?eabi(hf)?/, 'arm')
  return {
    os: systems.find((system) => words.includes(system)),
    cpu: processors.find((processor) => new RegExp(`\\b${processor}`).test(words)),
    musl: words.includes('musl'),
  }
}

for (const [path, entry] of Object.entries({ ...packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const present = packages[`${path}/node_modules/${name}`] ?? packages[`node_modules/${name}`]
    if (overrides[name] === '-' || !/^\d/.test(version) || present) continue
    const { os, cpu, musl } = platformOf(name)
    if (!os) continue
    packages[`node_modules/${name}`] = {
      version,
      ...(cpu ? { cpu: [cpu] } : {}),
      ...(entry.dev ? { dev: true } : {}),
      ...(musl ? { libc: ['musl'] } : {}),
      optional: true,
      os: [os],
    }
    added.push(name)
  }
}

lock.packages = Object.fromEntries(Object.entries(packages).toSorted(([a], [b]) => (a === '' ? -1 : a < b ? -1 : 1)))
writeFileSync('package-lock.json', `${JSON.stringify(lock, null, 2)}\n`)
console.log(`${added.length} platform builds added to package-lock.json`)
