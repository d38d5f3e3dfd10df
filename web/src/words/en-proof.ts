/** What a group of checks says when it holds, and when it does not. */
interface Group {
  readonly holds: string
  readonly fails: string
}

const groups = {
  owners: {
    holds: 'On the list that Cocoon’s owners signed',
    fails: 'The list of accepted machines is not right',
  },
  hardware: { holds: 'Genuine, sealed hardware', fails: 'This is not genuine, sealed hardware' },
  firmware: { holds: 'Firmware up to date', fails: 'The firmware of this machine is not up to date' },
  closed: { holds: 'Closed to its owner', fails: 'The owner of this machine could look inside' },
  software: {
    holds: 'Runs exactly the published software',
    fails: 'This machine runs something else than the published software',
  },
  gpu: { holds: 'Its GPU keeps to itself too', fails: 'The GPU of this machine did not prove itself' },
  key: {
    holds: 'The key you seal to is this machine’s own',
    fails: 'The key that was offered is not this machine’s own',
  },
} satisfies Record<string, Group>
export type ProofGroup = keyof typeof groups

/** Where the group says too little about what to do. By the code of the check that failed. */
const causes: Readonly<Record<string, string>> = {
  'network-refused': 'It is simulated, and this app trusts real machines only.',
  'clock-behind': 'The clock of this device is wrong. Set it, then ask again.',
  'stamp-expired': 'The newest sign of life from Cocoon’s owners is too old.',
  'stamp-rollback': 'Somebody showed an older list than the one you saw before.',
  'registry-rollback': 'Somebody showed an older list than the one you saw before.',
  'registry-fork': 'Somebody showed another list than the one you saw before.',
  'registry-signer': 'The list of accepted machines is not signed by Cocoon’s owners.',
  'registry-threshold': 'The list of accepted machines is signed by too few of Cocoon’s owners.',
  'registry-unpublished': 'The list of accepted machines is not published yet.',
  'claims-expired': 'What this machine showed is from another day.',
  'evidence-digest': 'What was shown belongs to another machine.',
  'statement-identity': 'The key that was offered belongs to another machine.',
  revoked: 'Cocoon’s owners took this machine or its software off the list.',
  'td-debug': 'It runs in debug mode: its owner can read everything in it.',
  'snp-debug': 'It runs in debug mode: its owner can read everything in it.',
}

export const proofEn = {
  groups,
  causes,
  private: {
    title: 'Private, and proven',
    text: (when: string) => `Checked on this device ${when}, before a word was sent.`,
  },
  development: {
    title: 'Development machine, not private',
    text: (when: string) =>
      `Checked on this device ${when}. Every check is real, the machine is simulated: its keys are public, so its owner could read your question.`,
  },
  refused: {
    title: 'Refused',
    text: (when: string) => `Checked on this device ${when}. Nothing was sent to this machine.`,
  },
  working: 'Checking it again on this device',
  unreadable: 'This proof cannot be read by this version of the app.',
  sees: {
    title: 'Who sees what',
    you: 'You and this machine',
    words: 'your words',
    broker: 'Broker',
    envelope: 'who, when, model, size, price',
    owner: 'Machine’s owner',
    private: 'that it was busy',
    development: 'your words too: it is simulated',
  },
  notProven: 'Not proven: that nobody tampers with the machine by hand.',
  why: 'What was checked',
  export: 'Export',
  elsewhere: 'Verify elsewhere',
  failed: 'failed',
}
