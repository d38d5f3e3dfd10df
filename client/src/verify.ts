import { type Bytes, CocoonError, type VerifiedStatement, verifyStatement } from '@cocoon/protocol'
import {
  anchorCall,
  appraise,
  type Appraisal,
  type Anchored,
  compareAnchor,
  decodeCollateral,
  decodeStanding,
  type Proof,
  readAnchor,
  registryDigest,
  decodeRegistry,
} from '@cocoon/protocol/appraisal'

export interface VerifyOptions {
  /** Whole, or with what is missing from elsewhere. */
  readonly proof: Proof & { readonly collateral: Bytes; readonly standing: Bytes }
  /** Global id of the network that the person believes in. */
  readonly network: number
  /** Unix seconds: as of when. */
  readonly at: number
}

export interface Verified {
  readonly statement: VerifiedStatement
  readonly appraisal: Appraisal
}

/**
 * Does an appraisal again, from its file alone.
 * @throws CocoonError for a file whose parts cannot be read, or a statement that its node did not sign
 */
export async function verifyProof({ proof, network, at }: VerifyOptions): Promise<Verified> {
  const statement = await verifyStatement(proof.statement, network)
  const appraisal = await appraise({
    network,
    ...decodeStanding(proof.standing),
    seen: proof.seen,
    now: at,
    evidence: proof.evidence,
    statement,
    collateral: decodeCollateral(proof.collateral),
  })
  return { statement, appraisal }
}

export interface ChainQuestion {
  /** toncenter's, such as `https://toncenter.com`. */
  readonly chain: string
  /** Of the Registry contract, raw or friendly. */
  readonly registry: string
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
}

/**
 * How the registry statement of an encoded standing stands to what the chain announces.
 * @throws CocoonError `unreachable` when the chain does not answer, `broken-encoding` when it shows no Registry there
 */
export async function compareWithChain(standing: Bytes, question: ChainQuestion): Promise<Anchored> {
  const { body } = decodeStanding(standing).registry
  const statement = { digest: await registryDigest(body), sequence: decodeRegistry(body).sequence }
  let answer: unknown
  try {
    const response = await question.fetch(`${question.chain}/api/v2/jsonRPC`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(anchorCall(question.registry)),
      signal: AbortSignal.timeout(10_000),
    })
    answer = await response.json()
  } catch (cause) {
    throw new CocoonError('unreachable', 'the chain does not answer', { cause })
  }
  return compareAnchor(readAnchor(answer), statement)
}
