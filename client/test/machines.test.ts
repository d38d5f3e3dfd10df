import { type Bytes, hex, sha256, utf8 } from '@cocoon/protocol'
import { encodeCollateral, encodeStanding, readProof, writeProof } from '@cocoon/protocol/appraisal'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { MachineRefused, type SeenMemory } from '../src/index.ts'
import type { SwitchName } from '../../localnet/src/tee/index.ts'
import { Asker } from './asker.ts'
import { type AttestedNode, attestedDoors, attestedNode, brokerOf } from './attested-broker.ts'
import type { TestBroker } from './test-broker.ts'

let broker: TestBroker
afterEach(async () => {
  vi.useRealTimers()
  await broker.stop()
})

async function serve(...nodes: AttestedNode[]): Promise<Asker> {
  broker = await brokerOf(nodes)
  return Asker.at(broker)
}
const calls = (end: RegExp): number => broker.paths().filter((path) => end.test(path)).length
const later = (milliseconds: number): void => {
  vi.useFakeTimers({ toFake: ['Date'] })
  vi.setSystemTime(Date.now() + milliseconds)
}
const HOUR = 3_600_000

/** Why the one machine was refused; nothing may have left this device for it. */
async function refusal(asker: Asker): Promise<string | undefined> {
  const heard = await asker.ask()
  // Of an earlier answer an acknowledgement may still come; a question begins with this byte.
  expect(broker.sent.filter(([kind]) => kind === 0x01)).toEqual([])
  expect(heard.types).not.toContain('sealing')
  return heard.error instanceof MachineRefused ? heard.error.appraisal.code : heard.code
}

describe('a proven machine', () => {
  test('is sealed to, shown as what it is, and its proof can be read again elsewhere', async () => {
    const asker = await serve(await attestedNode())
    const { events, error: heardError } = await asker.ask()
    expect(heardError).toBeUndefined()
    const sealed = events.find((event) => event.type === 'sealed')
    expect(sealed?.node.standing).toBe('development')
    if (!sealed?.proof) throw new Error('no proof')
    expect(sealed.node.evidence).toBe(hex(await sha256(sealed.proof.evidence)))
    expect(readProof(writeProof(sealed.proof))).toEqual(sealed.proof)
  })

  test('is not fetched and not appraised again for the next question', async () => {
    const asker = await serve(await attestedNode())
    await asker.ask()
    const before = broker.calls.length
    await asker.ask()
    expect(broker.calls.slice(before).map(({ path }) => path)).toEqual(['/api/match'])
  })

  test('is refused once the stamp takes it back, whatever was found before', async () => {
    const node = await attestedNode()
    const asker = await serve(node)
    await asker.ask()
    node.machine.break('revoked-node')
    broker.sent.length = 0
    later(HOUR)
    expect(await refusal(asker)).toBe('revoked')
  })

  test('of yesterday is refused', async () => {
    const asker = await serve(await attestedNode('claims-expired'))
    expect(await refusal(asker)).toBe('claims-expired')
  })
})

describe('a machine that does not hold', () => {
  test.each<[SwitchName, string]>([
    ['td-debug', 'td-debug'],
    ['workload-other', 'workload-register'],
    ['workload-swapped-model', 'workload-register'],
    ['registry-forged', 'registry-signer'],
    ['stamp-stale', 'stamp-expired'],
    ['gpu-foreign-nonce', 'gpu-nonce'],
  ])('by the rule %s is never sealed to', async (rule, code) => {
    expect(await refusal(await serve(await attestedNode(rule)))).toBe(code)
  })

  test('is left for another one, and the person hears of it', async () => {
    const [bad, good] = [await attestedNode('td-debug'), await attestedNode()]
    // The owners speak for both; only the first machine is broken.
    bad.machine.mend('td-debug')
    const asker = await serve(bad, good)
    const heard = await asker.ask()
    expect(heard.types.slice(0, 6)).toEqual(['matching', 'checking', 'refused', 'matching', 'checking', 'sealing'])
    expect(heard.done?.status).toBe('done')
    const sealed = heard.events.find((event) => event.type === 'sealed')
    expect(sealed?.node.nodeId).toBe(good.node.nodeId)
  })

  test("with another machine's evidence is refused", async () => {
    const [one, other] = [await attestedNode(), await attestedNode()]
    const [own] = [...one.content.keys()]
    const [foreign] = [...other.content.values()]
    one.content.set(own ?? '', foreign as Bytes)
    // Not what its name says, so it is not even looked at.
    expect(await refusal(await serve(one))).toBe('not-attested')
  })

  test('that states the evidence of another machine is refused: the prekey is not the one that was proven', async () => {
    const victim = await attestedNode()
    const signed = await import('./answering-node.ts')
    const thief = await signed.AnsweringNode.start({
      evidence: victim.node.statement.evidence,
      notBefore: victim.node.statement.notBefore,
      useBy: victim.node.statement.useBy,
    })
    expect(await refusal(await serve({ ...victim, node: thief }))).toBe('statement-identity')
  })
})

describe('collateral', () => {
  test('that is junk in front of the good is passed over', async () => {
    const node = await attestedNode()
    const junk = utf8('junk')
    const name = hex(await sha256(junk))
    node.content.set(name, junk)
    node.collateral.unshift(name)
    expect((await (await serve(node)).ask()).done?.status).toBe('done')
  })

  test('that is stale does not condemn the machine when the good one comes', async () => {
    const node = await attestedNode()
    const [good = ''] = node.collateral
    node.machine.break('crl-expired')
    const stale = encodeCollateral((await node.machine.evidence()).collateral)
    node.machine.mend('crl-expired')
    const name = hex(await sha256(stale))
    node.content.set(name, stale)
    node.collateral.splice(0, 1, name)
    const asker = await serve(node)
    expect(await refusal(asker)).toBe('crl-expired')
    node.collateral.push(good)
    expect((await asker.ask()).done?.status).toBe('done')
  })
})

describe('what was seen', () => {
  test('is kept: an older registry statement is refused by a device that starts again', async () => {
    const node = await attestedNode()
    let kept: Bytes | null = null
    const memory: SeenMemory = { load: async () => kept, save: async (seen) => void (kept = seen) }
    broker = await brokerOf([node])
    await (await Asker.at(broker, { environment: { memory } })).ask()
    expect(kept).not.toBeNull()
    broker.sent.length = 0
    later(-26 * HOUR)
    const older = encodeStanding(await node.machine.registry())
    vi.useRealTimers()
    broker.instead = (call) =>
      call.path === '/api/standing' ? { body: '', bytes: older } : attestedDoors([node], call)
    expect(await refusal(await Asker.at(broker, { environment: { memory } }))).toBe('registry-rollback')
    const another = await Asker.at(broker)
    expect((await another.ask()).done?.status).toBe('done')
  })

  test('is asked for again after some minutes, once', async () => {
    const asker = await serve(await attestedNode())
    await asker.ask()
    later(6 * 60_000)
    await asker.ask()
    expect(calls(/standing$/)).toBe(2)
  })
})
