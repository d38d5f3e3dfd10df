import {
  type Bytes,
  createPrekey,
  createSigner,
  type MessageOf,
  linkChallenge,
  networks,
  nodeIdOf,
  PROTOCOL_VERSION,
  type SignedStatement,
  type Signer,
  signFor,
  signStatement,
} from '@cocoon/protocol'
import { DEMO_MODEL } from '@cocoon/localnet'

/** A node with a real key that means no good. */
export interface FuzzIdentity {
  readonly signer: Signer
  readonly nodeId: string
  readonly statement: SignedStatement
}

/** `evidenceOf`: the digest that its statement names, for its identity key. */
export async function createIdentity(evidenceOf?: (identity: Bytes) => Promise<Bytes>): Promise<FuzzIdentity> {
  const signer = await createSigner()
  const evidence = evidenceOf ? await evidenceOf(signer.publicKey) : null
  const { publicKey: prekey } = await createPrekey()
  const notBefore = Math.floor(Date.now() / 1000)
  const price = { prompt: 0n, cached: 0n, completion: 0n, reasoning: 0n }
  const statement = await signStatement(
    {
      version: PROTOCOL_VERSION,
      network: networks.localnet,
      identity: signer.publicKey,
      prekey,
      notBefore,
      useBy: notBefore + 600,
      evidence,
      payee: null,
      offers: [{ model: DEMO_MODEL.id, context: 2048, maxOutput: 1024, price }],
      limits: { request: 8 * 1024 * 1024, seconds: 60 },
    },
    signer,
  )
  return { signer, nodeId: await nodeIdOf(signer.publicKey), statement }
}

export async function helloOf(
  { signer, statement }: FuzzIdentity,
  nonce: Bytes,
  host: string,
  jobs: Bytes[],
): Promise<MessageOf<'hello'>> {
  const signature = await signFor('cocoon/1 link challenge', signer, linkChallenge(nonce, host))
  return { kind: 'hello', signature, statement, slots: 2, free: 2, jobs }
}
