import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hex, networks } from '@cocoon/protocol'
import {
  decodeRegistry,
  encodeStanding,
  type Proof,
  readProof,
  registryDigest,
  writeProof,
} from '@cocoon/protocol/appraisal'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AttestedNode, attestedNode, now } from './attested-broker.ts'

const program = fileURLToPath(new URL('../src/verify-cli.ts', import.meta.url))
let folder: string
let good: AttestedNode
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cocoon-verify-'))
  good = await attestedNode()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function proofOf({ node, machine, content, collateral: [name = ''] }: AttestedNode): Promise<Proof> {
  const evidence = content.get(hex(node.statement.evidence ?? new Uint8Array()))
  if (!evidence) throw new Error('no evidence')
  return {
    network: networks.localnet,
    statement: node.signed,
    evidence,
    collateral: content.get(name) ?? null,
    standing: encodeStanding(await machine.registry()),
    seen: null,
    at: now(),
  }
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

/** A development build unless `roots` says otherwise. */
function verify(args: string[], roots: 'development' | 'production' = 'development') {
  const conditions = roots === 'development' ? ['--conditions=cocoon-development'] : []
  const child = spawn(process.execPath, [...conditions, program, ...args], {
    env: { ...process.env, COCOON_NETWORK: '' },
  })
  let [out, err] = ['', '']
  child.stdout.on('data', (data) => (out += String(data)))
  child.stderr.on('data', (data) => (err += String(data)))
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, out, err }))
  })
}
const localnet = ['--network', 'localnet']

/** Speaks for a Registry that announces this. */
async function chainOf(digest: string, sequence: number): Promise<Server> {
  const number = (value: bigint) => ['num', `0x${value.toString(16)}`]
  const stack = [1n, 2n, 3n, BigInt(`0x${digest}`), BigInt(sequence), 0n, 0n].map(number)
  const server = createServer((_, response) =>
    response.end(JSON.stringify({ ok: true, result: { exit_code: 0, stack } })),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
const REGISTRY = `0:${'5e'.repeat(32)}`

describe('verify', () => {
  test('prints every step of a machine that holds, says what it is, and ends with 0', async () => {
    const path = await file('good.json', writeProof(await proofOf(good)))
    const { code, out } = await verify([path, ...localnet])
    expect(code).toBe(0)
    expect(out.match(/^ok /gm)?.length).toBeGreaterThan(50)
    expect(out).toMatch(/^DEVELOPMENT MACHINE, NOT PRIVATE as of /m)
    expect(out).not.toMatch(/FAIL| - /)
  })

  test('names the step that a broken machine fails, and ends with 1', async () => {
    const path = await file('bad.json', writeProof(await proofOf(await attestedNode('td-debug'))))
    const { code, out } = await verify([path, ...localnet])
    expect(code).toBe(1)
    expect(out).toMatch(/^FAIL td\.attributes +td-debug/m)
    expect(out).toMatch(/^REFUSED .* td-debug\. Nothing should be sealed to this machine\.$/m)
    const json = JSON.parse((await verify([path, ...localnet, '--json'])).out) as { verdict: string; steps: object[] }
    expect(json).toMatchObject({ verdict: 'refused', code: 'td-debug', build: 'development' })
  })

  test('of a production build trusts no development machine', async () => {
    const path = await file('simulated.json', writeProof(await proofOf(good)))
    const { code, out } = await verify([path, ...localnet], 'production')
    expect(code).toBe(1)
    expect(out).toMatch(/^FAIL network +network-refused/m)
  })

  test('as of another day finds another thing', async () => {
    const path = await file('later.json', writeProof(await proofOf(good)))
    const date = new Date((now() + 5 * 86_400) * 1000).toISOString()
    expect((await verify([path, ...localnet, '--at', date])).out).toMatch(/^FAIL stamp\.dates +stamp-expired/m)
    expect((await verify([path, ...localnet, '--at', 'file'])).code).toBe(0)
  })

  test.each([
    ['anchored', 0, 0, /^ok {3}chain/m],
    ['newer than the chain', -1, 1, /^FAIL chain .*not through the timelock/m],
    ['replaced on chain', 1, 1, /^FAIL chain .*older than what the chain announces/m],
  ])('compares the registry statement with the chain: %s', async (_, difference, ends, line) => {
    const proof = await proofOf(good)
    const { body } = (await good.machine.registry()).registry
    const sequence = decodeRegistry(body).sequence + difference
    const server = await chainOf(hex(await registryDigest(body)), sequence)
    try {
      const chain = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const path = await file('chain.json', writeProof(proof))
      const { code, out } = await verify([path, ...localnet, '--chain', chain, '--registry', REGISTRY])
      expect(out).toMatch(line)
      expect(code).toBe(ends)
    } finally {
      server.close()
    }
  })

  test.each([
    ['no file', [], /name one file/],
    ['a file that is not there', ['/nowhere/evidence.json'], /cannot be read/],
    ['an unknown option', ['x.json', '--proof'], /usage:/],
    ['a chain without a Registry', ['x.json', '--chain', 'http://127.0.0.1:1'], /belong together/],
    ['a network nobody knows', ['x.json', '--network', 'moon'], /--network is one of/],
  ])('says what is wrong with %s, and ends with 2', async (_, args, message) => {
    const { code, err } = await verify(args)
    expect(err).toMatch(message)
    expect(code).toBe(2)
  })

  test('says what a file lacks, and what is no proof', async () => {
    const proof = await proofOf(good)
    const lacking = await file('lacking.json', writeProof({ ...proof, standing: null }))
    expect((await verify([lacking, ...localnet])).err).toMatch(/add --broker URL or --standing FILE/)
    const junk = await file('junk.json', '{"cocoon":"proof"}')
    expect((await verify([junk, ...localnet])).err).toMatch(/no proof of this version/)
    const silent = await verify([lacking, ...localnet, '--broker', 'http://127.0.0.1:1'])
    expect([silent.code, silent.err]).toEqual([2, expect.stringMatching(/does not answer/)])
  })
})

test('a proof read again is the proof that was written, and nothing else is one', async () => {
  const proof = await proofOf(good)
  expect(readProof(writeProof(proof))).toEqual(proof)
  for (const text of ['', '[]', '{}', writeProof(proof).replace('"proof"', '"other"')]) {
    expect(() => readProof(text)).toThrow(/file/)
  }
})
