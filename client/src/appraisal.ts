import {
  type Bytes,
  CocoonError,
  type MatchResponse,
  networks,
  type Offer,
  type SignedStatement,
  statementFromText,
  type VerifiedStatement,
  verifyStatement,
} from '@cocoon/protocol'
import type { Proof } from '@cocoon/protocol/appraisal'
import type { NodeView } from './events.ts'
import type { MachineAppraiser } from './machine-appraiser.ts'

/** A node that may be sealed to, and what the device found out about it. */
export interface AppraisedNode {
  readonly verified: VerifiedStatement
  readonly offer: Offer
  readonly view: NodeView
  /** What the appraisal looked at; null for a node that proves nothing. */
  readonly proof: Proof | null
}

/**
 * Decides for this device whether to seal to a node the broker proposes. The statement must be signed by the identity
 * key whose digest is the node id; the evidence it names must prove the machine. Without evidence nothing is proven: only
 * a development network goes on then, and says so.
 * @throws CocoonError `bad-statement`, `wrong-node`, `not-attested`, `unknown-model`
 * @throws MachineRefused for evidence that does not hold, and why
 */
export async function appraiseNode(
  match: MatchResponse,
  model: string,
  { network, machines }: { readonly network: number; readonly machines: MachineAppraiser },
): Promise<AppraisedNode> {
  const signed = readStatement(match)
  const verified = await verifyStatement(signed, network)
  if (verified.nodeId !== match.node) throw new CocoonError('wrong-node', 'the statement is of another node')
  const offer = verified.statement.offers.find((candidate) => candidate.model === model)
  if (!offer) throw new CocoonError('unknown-model', 'the node does not offer this model')
  const { evidence } = verified.statement
  if (evidence) return { verified, offer, ...(await machines.appraise(verified, signed, evidence as Bytes)) }
  if (network !== networks.localnet) throw new CocoonError('not-attested', 'the node proves nothing about its machine')
  return { verified, offer, view: { nodeId: match.node, evidence: null, standing: 'not-attested' }, proof: null }
}

function readStatement({ statement }: MatchResponse): SignedStatement {
  try {
    return statementFromText(statement)
  } catch (cause) {
    throw new CocoonError('bad-statement', 'the statement is not base64url', { cause })
  }
}
