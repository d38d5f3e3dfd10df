import {
  base64url,
  concat,
  createSigner,
  encodeCbor,
  encodeMessage,
  jobIdOf,
  MatchResponse,
  networks,
  PROTOCOL_VERSION,
  signFor,
  signInMessage,
  SignInResponse,
  SUBPROTOCOL,
  utf8,
} from '@cocoon/protocol'
import * as v from 'valibot'
import { DEMO_MODEL } from '@cocoon/localnet'

/**
 * What a careless client would do: sends these bytes as the body of a job without sealing them, and leaves the upload
 * unfinished, so that the broker stores the first piece.
 */
export async function plantControl(origin: string, forms: ReadonlyMap<string, Buffer>): Promise<void> {
  const post = async (path: string, body: unknown, token?: string): Promise<unknown> => {
    const headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) }
    const response = await fetch(`${origin}/api${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    return response.json()
  }
  const signer = await createSigner()
  const time = Math.floor(Date.now() / 1000)
  const signature = base64url(await signFor('cocoon/1 sign-in', signer, utf8(signInMessage(origin, time))))
  const key = base64url(signer.publicKey)
  const { token } = v.parse(SignInResponse, await post('/sign-in', { method: 'key', key, time, signature }))
  const match = v.parse(MatchResponse, await post('/match', { model: DEMO_MODEL.id, policy: 'open' }, token))

  const body = concat(...[...forms.values()].flatMap((form) => [form, utf8('\n')]))
  const commit = new Uint8Array(32)
  const network = networks.localnet
  const header = encodeCbor({ version: PROTOCOL_VERSION, network, model: DEMO_MODEL.id, policy: 'open', commit })
  const message = encodeMessage({
    kind: 'open',
    jobId: await jobIdOf(header, body),
    lease: match.lease,
    header,
    bodyLength: body.length + 1,
    body,
    statement: new Uint8Array(32),
    wrap: { enc: new Uint8Array(1120), ciphertext: new Uint8Array(48) },
    money: ['none'],
  })
  const socket = new WebSocket(`${origin.replace('http', 'ws')}/api/nodes/${match.node}/jobs`, [SUBPROTOCOL, token])
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', () => reject(new Error('the control could not be planted')))
  })
  socket.send(message)
  // The relay answers a ping after it has handled what came before, and its storage is written by then.
  await new Promise((resolve) => setTimeout(resolve, 1000))
  socket.close()
}
