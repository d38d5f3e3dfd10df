import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hex, networks } from '@cocoon/protocol'
import { decodeStanding, registryDigest } from '@cocoon/protocol/appraisal'
import { afterAll, describe, expect, test } from 'vitest'
import { checkStandingUnder } from '../../protocol/src/appraisal/appraise.ts'
import { pins } from '../../protocol/src/appraisal/pins/development.ts'

const script = fileURLToPath(new URL('../scripts/owners.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'cocoon-owners-'))
const at = (name: string): string => join(folder, name)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function owners(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8' })
  return { code: status, out: stdout, err: stderr }
}
const publicOf = (out: string): string => /^public +([0-9a-f]{64})$/m.exec(out)?.[1] ?? ''

describe("the owners' tool", () => {
  test('goes from keys to a file that a device believes, and a stamp takes something back', async () => {
    const keys = ['one', 'two', 'stamp'].map((name) => publicOf(owners('keygen', at(name)).out))
    const now = Math.floor(Date.now() / 1000)
    const [one = '', two = '', stampKey = ''] = keys
    const statement = {
      version: 1,
      network: networks.localnet,
      sequence: 3,
      issued: now,
      expires: now + 86_400,
      stampKey: `0x${stampKey}`,
      tees: ['tdx'],
      references: [],
      engines: [],
      models: [],
      policies: [`0x${'ab'.repeat(32)}`],
      bundles: [],
      tdx: { evaluation: 20, grace: null, configIds: [], owners: [], ownerConfigs: [] },
      snp: [],
    }
    writeFileSync(at('statement.json'), JSON.stringify(statement))
    const made = owners('make', at('statement.json'), at('body'))
    const digest = hex(await registryDigest(new Uint8Array(readFileSync(at('body')))))
    expect(made.out).toContain(`digest    ${digest}`)
    for (const name of ['one', 'two']) expect(owners('sign', at('body'), at(name), at(`${name}.sig`)).code).toBe(0)
    expect(owners('join', at('body'), at('one.sig'), at('two.sig'), at('registry')).code).toBe(0)
    const node = 'cd'.repeat(32)
    const stamped = owners(
      'stamp',
      at('registry'),
      at('stamp'),
      at('stamped'),
      '--sequence',
      '9',
      '--revoke',
      `node:${node}`,
    )
    expect([stamped.code, stamped.err]).toEqual([0, ''])
    expect(owners('publish', at('registry'), at('stamped'), at('standing.cbor')).code).toBe(0)
    expect(owners('show', at('standing.cbor')).out).toContain(`0x${node}`)

    const standing = decodeStanding(new Uint8Array(readFileSync(at('standing.cbor'))))
    const under = (threshold: number) => {
      const owned = { keys: [one, two].map((key) => Uint8Array.from(Buffer.from(key, 'hex'))), threshold }
      const input = { network: networks.localnet, ...standing, seen: null, now }
      return checkStandingUnder({ ...pins, owners: owned }, input)
    }
    const held = await under(2)
    expect(held.failure).toBeNull()
    expect(held.value?.stamp.revoked.map(({ kind, value }) => [kind, hex(value)])).toEqual([['node', node]])
    expect((await under(3)).failure).not.toBeNull()
  }, 120_000)

  test.each([
    ['no command', [], /usage:/],
    ['a statement that is none', ['make', 'none.json', 'out'], /no registry statement/],
    ['a key that others can read', ['sign', 'body', 'open', 'out'], /chmod 600/],
    ["a stamp under another's key", ['stamp', 'registry', 'one', 'out', '--sequence', '1'], /not the stamp key/],
    ['a stamp for too long', ['stamp', 'registry', 'stamp', 'out', '--sequence', '1', '--hours', '49'], /at most 48/],
    [
      'nonsense to take back',
      ['stamp', 'registry', 'stamp', 'out', '--sequence', '1', '--revoke', 'node:ab'],
      /32 bytes/,
    ],
    ['a key that would be overwritten', ['keygen', 'one'], /EEXIST/],
  ])('says what is wrong with %s', (_, [command, ...files], message) => {
    writeFileSync(at('none.json'), '{}')
    writeFileSync(at('open'), `${'11'.repeat(32)}\n`)
    chmodSync(at('open'), 0o644)
    const paths = files.map((file) => (file.startsWith('--') || /^\d+$|:/.test(file) ? file : at(file)))
    const { code, err } = owners(...(command ? [command] : []), ...paths)
    expect(err).toMatch(message)
    expect(code).toBe(2)
  })
})
