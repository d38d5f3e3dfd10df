import { type Bytes, concat, equal, hex, sha256 } from '../../bytes.ts'
import { ensure } from '../failure.ts'
import type { Level, QeIdentity } from './collateral.ts'
import type { QeReport, TdxQuote } from './quote.ts'

const DEBUG = 0x02

/** True when `value` under `mask` is `expected`, which itself must lie under the mask, as in Intel's own verifier. */
export function matchesMask(value: Bytes, mask: Bytes, expected: Bytes): boolean {
  if (value.length !== mask.length || value.length !== expected.length) return false
  return value.every((byte, i) => (byte & (mask[i] ?? 0)) === expected[i])
}

/**
 * That the quoting enclave vouches for the attestation key: its report data is the SHA-256 of key and authentication
 * data, then zeros (TDX DCAP quoting library API, A.3.8).
 * @throws AppraisalError `qe-binding`
 */
export async function checkBinding({ qeReport, attestationKey, qeAuthData }: TdxQuote): Promise<void> {
  const digest = await sha256(attestationKey, qeAuthData)
  const bound = equal(qeReport.reportData, concat(digest, new Uint8Array(32)))
  ensure(bound, 'qe-binding', 'quoting enclave reports on another attestation key')
}

/**
 * That the enclave is the one that Intel names. Returns its level.
 * @throws AppraisalError `qe-debug`, `qe-signer`, `qe-product`, `qe-miscselect`, `qe-attributes`, `qe-no-level`
 */
export function matchQe(report: QeReport, identity: QeIdentity): Level {
  ensure(((report.attributes[0] ?? DEBUG) & DEBUG) === 0, 'qe-debug', 'quoting enclave can be debugged')
  ensure(equal(report.mrSigner, identity.mrSigner), 'qe-signer', `quoting enclave is signed by ${hex(report.mrSigner)}`)
  ensure(report.isvProdId === identity.isvProdId, 'qe-product', `quoting enclave is product ${report.isvProdId}`)
  const misc = matchesMask(report.miscSelect, identity.miscSelectMask, identity.miscSelect)
  ensure(misc, 'qe-miscselect', `quoting enclave has MISCSELECT ${hex(report.miscSelect)}`)
  const attributes = matchesMask(report.attributes, identity.attributesMask, identity.attributes)
  ensure(attributes, 'qe-attributes', `quoting enclave has attributes ${hex(report.attributes)}`)
  const level = identity.levels.find(({ isvSvn }) => report.isvSvn >= isvSvn)
  ensure(level !== undefined, 'qe-no-level', `no level for the quoting enclave's SVN ${report.isvSvn}`)
  return level
}
