import { pinned } from '@cocoon/localnet/tee'
import { hex } from '@cocoon/protocol'
import type { TdxCollateral } from '@cocoon/protocol/appraisal'
import { QuoteVerifier } from '@phala/dcap-qvl'

// It trusts the roots it is made with, and reads Buffers only: it is measured in Node alone.
const verifier = QuoteVerifier.newWithRootCa(Buffer.from(pinned.intelRoot))

/** `@phala/dcap-qvl` on the same bytes. @throws when it refuses them */
export function packagedVerifier(quote: Uint8Array, collateral: TdxCollateral, now: number): void {
  const inItsWords = {
    tcb_info: collateral.tcbInfo,
    tcb_info_signature: collateral.tcbInfoSignature,
    tcb_info_issuer_chain: collateral.tcbInfoChain,
    qe_identity: collateral.qeIdentity,
    qe_identity_signature: collateral.qeIdentitySignature,
    qe_identity_issuer_chain: collateral.qeIdentityChain,
    root_ca_crl: hex(collateral.rootCrl),
    pck_crl: hex(collateral.pckCrl),
    pck_crl_issuer_chain: collateral.tcbInfoChain,
  }
  if (verifier.verify(Buffer.from(quote), inItsWords, now).status !== 'UpToDate') throw new Error('not up to date')
}
