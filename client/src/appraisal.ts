import {
  CocoonError,
  type MatchResponse,
  networks,
  type Offer,
  statementFromText,
  type VerifiedStatement,
  verifyStatement,
} from '@cocoon/protocol'
import type { NodeView } from './events.ts'

/** A node that may be sealed to, and what the device found out about it. */
export interface AppraisedNode {
  readonly verified: VerifiedStatement
  readonly offer: Offer
  readonly view: NodeView
}

/**
 * Decides for this device whether to seal to a node the broker proposes. The statement must be signed by the identity
 * key whose digest is the node id. Without evidence nothing is proven about the machine: only a development network
 * goes on then, and says so.
 * @throws CocoonError `bad-statement`, `wrong-node`, `not-attested`, `unknown-model`
 */
export async function appraiseNode(match: MatchResponse, model: string, network: number): Promise<AppraisedNode> {
  let signed
  try {
    signed = statementFromText(match.statement)
  } catch (cause) {
    throw new CocoonError('bad-statement', 'the statement is not base64url', { cause })
  }
  const verified = await verifyStatement(signed, network)
  if (verified.nodeId !== match.node) throw new CocoonError('wrong-node', 'the statement is of another node')
  const offer = verified.statement.offers.find((candidate) => candidate.model === model)
  if (!offer) throw new CocoonError('unknown-model', 'the node does not offer this model')
  if (verified.statement.evidence !== null) {
    throw new CocoonError('not-attested', 'this version cannot appraise evidence yet, so it trusts none')
  }
  if (network !== networks.localnet) throw new CocoonError('not-attested', 'the node proves nothing about its machine')
  return { verified, offer, view: { nodeId: match.node, evidence: null, standing: 'not-attested' } }
}
