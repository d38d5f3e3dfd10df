import {
  type Bytes,
  createSigner,
  encodeCbor,
  type MatchResponse,
  type NetworkName,
  networks,
  secureRandom,
  signFor,
  signStatement,
  type Statement,
  statementToText,
} from '@cocoon/protocol'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AnsweringNode } from './answering-node.ts'
import { Asker } from './asker.ts'
import { matchOf, TestBroker } from './test-broker.ts'

let broker: TestBroker
let node: AnsweringNode
beforeEach(async () => {
  node = await AnsweringNode.start()
  broker = await TestBroker.start([node], (line) => line.finish())
})
afterEach(() => broker.stop())

/** Asks at a broker that proposes this, and makes sure that nothing was sealed to it. */
async function proposed(match: MatchResponse, network: NetworkName = 'localnet') {
  broker.instead = ({ path }) => (path === '/api/match' ? { body: match } : undefined)
  const heard = await (await Asker.at(broker, { network })).ask()
  expect(broker.connections).toBe(0)
  expect(broker.sent).toEqual([])
  expect(heard.types).not.toContain('sealing')
  return heard
}

const withBody = (match: MatchResponse, body: Bytes): MatchResponse => {
  return { ...match, statement: { ...match.statement, body: statementToText({ body, signature: body }).body } }
}
const changed = (more: Partial<Statement>) => encodeCbor({ ...node.statement, ...more })

describe('a node is not sealed to', () => {
  test('whose statement was changed', async () => {
    const { prekey } = (await AnsweringNode.start()).statement
    const heard = await proposed(withBody(matchOf(node), changed({ prekey })))
    expect([heard.code, heard.error?.action]).toEqual(['bad-statement', 'stop'])
  })

  test('whose statement is not signed', async () => {
    const match = matchOf(node)
    const signature = statementToText({ body: secureRandom(1), signature: new Uint8Array(64) }).signature
    expect((await proposed({ ...match, statement: { ...match.statement, signature } })).code).toBe('bad-statement')
  })

  test('whose statement is signed by another', async () => {
    const signed = await signStatement(node.statement, await createSigner())
    expect((await proposed({ ...matchOf(node), statement: statementToText(signed) })).code).toBe('bad-statement')
  })

  test('whose signature was made for another purpose', async () => {
    const signature = await signFor('cocoon/1 refusal', node.signer, node.signed.body)
    const statement = statementToText({ body: node.signed.body, signature })
    expect((await proposed({ ...matchOf(node), statement })).code).toBe('bad-statement')
  })

  test('whose statement is no base64url', async () => {
    const match = matchOf(node)
    const heard = await proposed({ ...match, statement: { ...match.statement, body: 'not base64!' } })
    expect(heard.code).toBe('bad-statement')
  })

  test('whose statement is of another network', async () => {
    const other = await AnsweringNode.start({ network: networks.testnet })
    expect((await proposed(matchOf(other))).code).toBe('bad-statement')
  })

  test('whose statement is junk', async () => {
    const heard = await proposed(withBody(matchOf(node), secureRandom(200)))
    expect([heard.code, heard.error?.action]).toEqual(['broken-encoding', 'stop'])
  })

  test('whose statement lives longer than a prekey may', async () => {
    const body = changed({ useBy: node.statement.notBefore + 3600 })
    const signature = await signFor('cocoon/1 statement', node.signer, body)
    const statement = statementToText({ body, signature })
    expect((await proposed({ ...matchOf(node), statement })).code).toBe('broken-encoding')
  })

  test('whose statement is of another node than the broker names', async () => {
    const other = await AnsweringNode.start()
    const heard = await proposed({ ...matchOf(node), statement: matchOf(other).statement })
    expect([heard.code, heard.error?.action]).toEqual(['wrong-node', 'stop'])
  })

  test('that does not offer the model', async () => {
    const [offer] = node.statement.offers
    if (!offer) throw new Error('an offer')
    const other = await AnsweringNode.start({ offers: [{ ...offer, model: 'something-cheaper' }] })
    expect((await proposed(matchOf(other))).code).toBe('unknown-model')
  })

  test.each(['testnet', 'mainnet'] as const)('that proves nothing, on %s', async (network) => {
    const other = await AnsweringNode.start({ network: networks[network] })
    const heard = await proposed(matchOf(other), network)
    expect([heard.code, heard.error?.action]).toEqual(['not-attested', 'stop'])
  })
})

test('a broker cannot make a node look better than it is', async () => {
  broker.instead = ({ path }) =>
    path === '/api/match' ? { body: { ...matchOf(node), evidence: 'attested!' } } : undefined
  const { events } = await (await Asker.at(broker)).ask()
  const sealed = events.find(({ type }) => type === 'sealed')
  expect(sealed?.type === 'sealed' && sealed.node).toEqual({
    nodeId: node.nodeId,
    evidence: null,
    standing: 'not-attested',
  })
})

test('the question asks for a private node wherever one exists', async () => {
  for (const network of ['localnet', 'testnet', 'mainnet'] as const) await (await Asker.at(broker, { network })).ask()
  const asked = broker.calls.filter(({ path }) => path === '/api/match')
  expect(asked.map(({ body }) => (JSON.parse(body) as { policy: string }).policy)).toEqual([
    'open',
    'private',
    'private',
  ])
})
