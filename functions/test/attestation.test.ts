import { hex, networks, sha256 } from '@cocoon/protocol'
import { checkStanding, decodeStanding } from '@cocoon/protocol/appraisal'
import { evictDurableObject, reset } from 'cloudflare:test'
import { env, exports } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { standingCarrier } from '../src/attestation/node-attestation.ts'
import { platformName } from '../src/attestation/endorsements.ts'
import type { SwitchName } from '../../localnet/src/tee/switches.ts'
import { MachineRoom } from './machine-room.ts'
import { ORIGIN } from './wire.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

let room: MachineRoom
beforeEach(async () => {
  room = await MachineRoom.open()
})
afterEach(async () => {
  vi.useRealTimers()
  room.close()
  await reset()
})

const get = (path: string): Promise<Response> => exports.default.fetch(`${ORIGIN}/api${path}`)
const bytesAt = async (path: string) => new Uint8Array(await (await get(path)).arrayBuffer())
const later = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds)

describe('a node that shows evidence', () => {
  test('is appraised, listed as attested, and what it showed is served by digest', async () => {
    const { digest, attested } = await room.attested()
    expect(await room.join(attested)).toBeUndefined()
    const evidence = await get(`/nodes/${room.node.id}/content/${digest}`)
    expect(evidence.headers.get('cache-control')).toContain('immutable')
    expect(new Uint8Array(await evidence.arrayBuffer())).toEqual(attested.evidence)
    const { collateral } = await (await get(`/nodes/${room.node.id}/collateral`)).json<{ collateral: string[] }>()
    expect(collateral).toHaveLength(2)
    for (const one of collateral) {
      expect(hex(await sha256(await bytesAt(`/nodes/${room.node.id}/content/${one}`)))).toBe(one)
    }
    expect(room.asked.filter((address) => address.startsWith('makers.test'))).toHaveLength(4)
  })

  test('of AMD is appraised with what AMD serves', async () => {
    room.close()
    room = await MachineRoom.open({ tee: 'sev-snp' })
    const { attested } = await room.attested()
    expect(await room.join({ ...attested, collateral: null })).toBeUndefined()
    expect(room.asked.filter((address) => address.includes('kdsintf.amd.com'))).toHaveLength(3)
  })

  test.each<[SwitchName, string]>([
    ['td-debug', 'td-debug'],
    ['tcb-out-of-date', 'tcb'],
    ['workload-other', 'workload-register'],
    ['claims-expired', 'claims-expired'],
    ['revoked-node', 'revoked'],
  ])('that breaks the rule %s is turned away, and told which step refused it', async (rule, code) => {
    const { attested } = await room.attested([rule])
    expect(await room.join(attested)).toMatch(new RegExp(`^evidence refused: ${code}`))
    const { models } = await (await get('/models')).json<{ models: { nodes: number }[] }>()
    expect(models[0]?.nodes).toBe(0)
  })

  test('has to show it: a digest alone opens nothing', async () => {
    await room.attested()
    expect(await room.join(undefined)).toBe('show the evidence that the statement names')
  })

  test('cannot show another than it states', async () => {
    const { attested } = await room.attested()
    const other = await room.machine.evidence()
    expect(await room.join({ ...attested, evidence: other.bytes })).toMatch(/not the one that the statement names/)
  })

  test('comes back after the relay slept without showing it again', async () => {
    const { attested } = await room.attested()
    await room.join(attested)
    await evictDurableObject(room.node.relay)
    expect(await room.join(undefined)).toBeUndefined()
  })

  test('is dropped with its next statement once the stamp takes it back', async () => {
    const { attested, digest } = await room.attested()
    await room.join(attested)
    room.machine.break('revoked-node')
    vi.useFakeTimers({ toFake: ['Date'] })
    later(HOUR + MINUTE)
    const evidence = Uint8Array.from(digest.match(/../g) ?? [], (pair) => parseInt(pair, 16))
    room.node.wire.send({ kind: 'statement', statement: await room.node.newStatement({ evidence }) })
    expect((await room.node.wire.closed).reason).toMatch(/^evidence refused: revoked/)
  })

  test('is dropped when its evidence is over and no newer one was shown', async () => {
    const { attested, digest } = await room.attested()
    await room.join(attested)
    vi.useFakeTimers({ toFake: ['Date'] })
    later(25 * HOUR)
    const evidence = Uint8Array.from(digest.match(/../g) ?? [], (pair) => parseInt(pair, 16))
    room.node.wire.send({ kind: 'statement', statement: await room.node.newStatement({ evidence }) })
    expect((await room.node.wire.closed).reason).toMatch(/^evidence refused: claims-expired/)
  })
})

describe('collateral', () => {
  test("that the maker withholds is the node's own", async () => {
    room.away.add('makers.test')
    const { attested } = await room.attested()
    expect(await room.join(attested)).toBeUndefined()
    const { collateral } = await (await get(`/nodes/${room.node.id}/collateral`)).json<{ collateral: string[] }>()
    expect(collateral).toEqual([hex(await sha256(attested.collateral))])
  })

  test('that nobody has turns the node away, and is fetched when the maker is back', async () => {
    room.away.add('makers.test')
    const { attested } = await room.attested()
    expect(await room.join({ ...attested, collateral: null })).toMatch(/^nobody vouches for this machine now/)
    room.away.clear()
    vi.useFakeTimers({ toFake: ['Date'] })
    later(2 * MINUTE)
    expect(await room.join({ ...attested, collateral: null })).toBeUndefined()
  })

  test('that is junk, then good, recovers: the maker is asked again and the node is let in', async () => {
    const good = await room.attested()
    room.machine.break('crl-forged')
    expect(await room.join({ ...good.attested, collateral: null })).toMatch(/^evidence refused: crl/)
    room.machine.mend('crl-forged')
    vi.useFakeTimers({ toFake: ['Date'] })
    later(2 * MINUTE)
    expect(await room.join({ ...good.attested, collateral: null })).toBeUndefined()
  })

  test('survives its object, and is fetched anew when it is six hours old', async () => {
    const { attested } = await room.attested()
    await room.join(attested)
    const { platformOf, decodeEvidence } = await import('@cocoon/protocol/appraisal')
    const platform = platformOf(decodeEvidence(attested.evidence))
    if (!platform) throw new Error('no platform')
    const object = env.ENDORSEMENTS.getByName(platformName(platform))
    const first = await object.current(platform)
    await evictDurableObject(object)
    room.asked.length = 0
    expect((await object.current(platform))?.digest).toBe(first?.digest)
    expect(room.asked).toEqual([])
    vi.useFakeTimers({ toFake: ['Date'] })
    later(6 * HOUR + MINUTE)
    await object.current(platform)
    expect(room.asked).toHaveLength(4)
  })
})

describe("the owners' word", () => {
  const standing = async () => decodeStanding(await bytesAt('/standing'))

  test('is served as it was signed, and holds on a device', async () => {
    const outcome = await checkStanding({
      network: networks.localnet,
      ...(await standing()),
      seen: null,
      now: Math.floor(Date.now() / 1000),
    })
    expect(outcome.failure).toBeNull()
  })

  test.each<[string, SwitchName]>([
    ['by too few owners', 'registry-one-owner'],
    ['that ended', 'registry-expired'],
    ['under a stale stamp', 'stamp-stale'],
  ])('%s is not carried', async (_, rule) => {
    room.machine.break(rule)
    expect((await get('/standing')).status).toBe(404)
    expect((await standingCarrier(env).current()).fault).toBe('refused')
  })

  test('that is older than what was carried is refused, and what was carried stays', async () => {
    const first = await standing()
    await evictDurableObject(standingCarrier(env))
    vi.useFakeTimers({ toFake: ['Date'] })
    later(-26 * HOUR)
    expect(await standing()).toEqual(first)
    expect((await standingCarrier(env).current()).fault).toBe('refused')
  })

  test.each([
    ['that was never announced', null, 'unannounced'],
    ['that waits in the timelock', { digest: new Uint8Array(32).fill(1), sequence: 1 }, 'not-yet'],
    ['that was replaced on chain', { digest: new Uint8Array(32).fill(1), sequence: 999_999 }, 'superseded'],
    [
      'that is another one with the same number',
      { digest: new Uint8Array(32).fill(1), sequence: Math.floor(Date.now() / 86_400_000) },
      'forked',
    ],
  ])('%s is not carried, and readiness says so', async (_, announced, fault) => {
    room.announced = announced
    expect((await get('/standing')).status).toBe(404)
    const { missing } = await (await get('/ready')).json<{ missing: string[] }>()
    expect(missing).toContain(`the registry statement at REGISTRY_SOURCE is not usable: ${fault}`)
  })

  test('is carried while the chain does not answer', async () => {
    room.away.add('chain.test')
    expect((await get('/standing')).status).toBe(200)
  })

  test('outlives an hour in which its source is away', async () => {
    const first = await standing()
    room.away.add('owners.test')
    vi.useFakeTimers({ toFake: ['Date'] })
    later(HOUR)
    expect(await standing()).toEqual(first)
  })
})
