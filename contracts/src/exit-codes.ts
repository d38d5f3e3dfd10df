import type { Action } from '@cocoon/protocol'

export interface ExitCode {
  readonly name: string
  /** What the caller should do; the words are those of the protocol's errors. */
  readonly action: Action
  readonly advice: string
}

/** Every exit code of the Channel, as tolk/channel/rules.tolk numbers them. Whatever throws changes nothing and bounces. */
export const exitCodes = {
  401: { name: 'not-owner', action: 'fix-call', advice: 'Send it from the wallet that owns the channel.' },
  402: { name: 'not-broker', action: 'fix-call', advice: "Send it from the broker's own address." },
  403: { name: 'not-basechain', action: 'stop', advice: 'Deploy the channel in the basechain; this one never opens.' },
  404: { name: 'opening-too-small', action: 'fix-call', advice: 'Attach at least 0.2 GRAM and the gas.' },
  405: { name: 'closing', action: 'fix-call', advice: 'Cancel the closing first, or finish it and open again.' },
  406: {
    name: 'key-in-another-role',
    action: 'fix-call',
    advice: 'Make a new key; this one serves another party here.',
  },
  407: { name: 'key-revoked', action: 'fix-call', advice: 'Make a new key; a revoked one stays revoked.' },
  408: { name: 'key-expired', action: 'fix-call', advice: 'Give the key an end in the future.' },
  409: {
    name: 'too-many-live-keys',
    action: 'fix-call',
    advice: 'Revoke a key that is no longer used; eight may sign.',
  },
  410: { name: 'too-many-stored-keys', action: 'wait', advice: 'Wait until a revoked or expired key is forgotten.' },
  411: { name: 'unknown-key', action: 'fix-call', advice: 'This key is not registered, or is forgotten already.' },
  420: { name: 'too-many-entries', action: 'fix-call', advice: 'Split the claim: at most three entries.' },
  421: { name: 'payee-is-channel', action: 'fix-call', advice: 'Leave this entry out; it can never be paid.' },
  422: { name: 'payer-signature', action: 'fix-call', advice: 'Leave this entry out; its voucher is forged.' },
  423: { name: 'receipt-signature', action: 'fix-call', advice: 'Leave this entry out; its receipt is forged.' },
  430: {
    name: 'release-signature',
    action: 'fix-call',
    advice: 'Sign it with the current broker key, for this channel.',
  },
  431: {
    name: 'release-of-another-opening',
    action: 'fetch-again',
    advice: 'Read the channel and sign a new release.',
  },
  432: { name: 'release-too-late', action: 'fetch-again', advice: 'Read the channel and sign a new release.' },
  433: {
    name: 'nothing-to-release',
    action: 'fetch-again',
    advice: 'Read the channel: it is paid, or coins are missing.',
  },
  440: { name: 'nothing-to-collect', action: 'wait', advice: 'No fee has accrued.' },
  450: { name: 'rotation-too-soon', action: 'wait', advice: 'Wait until the key before the current one has ended.' },
  460: { name: 'not-closing', action: 'fix-call', advice: 'The owner has to request the closing first.' },
  461: { name: 'closing-too-soon', action: 'wait', advice: 'Wait until the closing date.' },
  65535: { name: 'unknown-message', action: 'fix-call', advice: 'The channel has no such message.' },
} as const satisfies Record<number, ExitCode>

/** Undefined for codes that are not the Channel's own, such as those of the virtual machine (13: out of gas). */
export function exitCode(code: number): ExitCode | undefined {
  return Object.hasOwn(exitCodes, code) ? exitCodes[code as keyof typeof exitCodes] : undefined
}
