import type { FailureReason, Phase } from '../turn.ts'
import { proofEn } from './proof-en.ts'

/** What one tap does about a failure. */
export type Remedy = 'again' | 'other-machine' | 'sign-in' | 'reopen' | 'edit' | 'new-chat'
export interface Notice {
  readonly title: string
  /** What happened. What is safe follows, from `safe`. */
  readonly what: string
  readonly remedy: Remedy
  /** A check that protects the person failed: loud. */
  readonly stop?: true
}

// Codes that are one thing to a person share their words.
const misfit: Notice = {
  title: 'The app and the machine do not agree',
  what: 'One of them is probably out of date.',
  remedy: 'again',
}
const stale: Notice = {
  title: 'The machine has changed its terms',
  what: 'Cocoon will look at it again before it sends anything.',
  remedy: 'again',
}
const gone: Notice = {
  title: 'The machine went away',
  what: 'It left before the answer was complete.',
  remedy: 'other-machine',
}
const full: Notice = { title: 'This machine is busy', what: 'It takes no more questions now.', remedy: 'other-machine' }
const unfit: Notice = {
  title: 'This machine cannot take the question',
  what: 'Another one may.',
  remedy: 'other-machine',
}
const cutShort: Notice = {
  title: 'The answer was cut short',
  what: 'The connection ended before the machine said it was done.',
  remedy: 'again',
}
const signIn: Notice = { title: 'Your sign-in has ended', what: 'It lasts an hour at most.', remedy: 'sign-in' }
const reopen: Notice = {
  title: 'Telegram’s sign-in is too old',
  what: 'Close Cocoon and open it again from the chat.',
  remedy: 'reopen',
}
const forged: Notice = {
  title: 'Stopped: this was not the machine’s answer',
  what: 'Something on the way changed it. The changed part was thrown away.',
  remedy: 'other-machine',
  stop: true,
}
const fault: Notice = {
  title: 'The service has a problem',
  what: 'It could not pass your question on.',
  remedy: 'again',
}

const notices = {
  'too-large': { title: 'The question is too long', what: 'Shorten it, or send it in parts.', remedy: 'edit' },
  'wrong-version': misfit,
  'wrong-network': misfit,
  'unknown-statement': stale,
  'expired-statement': stale,
  'wrong-job-id': misfit,
  'already-seen': misfit,
  'bad-money': misfit,
  'unknown-model': unfit,
  'wrong-policy': unfit,
  'price-changed': stale,
  busy: full,
  draining: full,
  'cannot-open': misfit,
  'wrong-commit': misfit,
  'bad-padding': misfit,
  'bad-request': { title: 'The machine did not understand', what: 'Try other words.', remedy: 'edit' },
  'context-exceeded': {
    title: 'This chat has become too long',
    what: 'The model cannot hold all of it at once.',
    remedy: 'new-chat',
  },
  'answer-too-large': { title: 'The answer became too long', what: 'Ask for a shorter one.', remedy: 'edit' },
  'time-limit': { title: 'The answer took too long', what: 'The machine ran out of time.', remedy: 'other-machine' },
  'engine-failed': { title: 'The machine failed', what: 'It could not finish the answer.', remedy: 'other-machine' },
  'node-stopping': gone,
  malformed: misfit,
  'not-found': misfit,
  'wrong-order': misfit,
  'body-too-large': { title: 'The question is too long', what: 'Shorten it, or send it in parts.', remedy: 'edit' },
  'signed-out': signIn,
  'sign-in-refused': reopen,
  'sign-in-replayed': reopen,
  'trial-spent': {
    title: 'No free questions are left',
    what: 'They come back by themselves.',
    remedy: 'again',
  },
  'rate-limited': { title: 'A little too fast', what: 'Wait a moment, then send it again.', remedy: 'again' },
  'no-node': { title: 'No machine is there', what: 'Nobody runs this model right now.', remedy: 'again' },
  'all-busy': { title: 'Every machine is busy', what: 'Many people are asking right now.', remedy: 'again' },
  'model-not-served': { title: 'Nobody runs this model now', what: 'Choose another one above.', remedy: 'again' },
  'lease-expired': stale,
  'node-gone': gone,
  'node-lost': gone,
  'unknown-job': {
    title: 'The answer is not there any more',
    what: 'It waits for a day at most.',
    remedy: 'again',
  },
  'broker-fault': fault,
  'broken-encoding': {
    title: 'Stopped: what came back made no sense',
    what: 'It was thrown away.',
    remedy: 'other-machine',
    stop: true,
  },
  'bad-statement': {
    title: 'Stopped before sending',
    what: 'This machine’s signature is not right.',
    remedy: 'other-machine',
    stop: true,
  },
  'not-attested': {
    title: 'Stopped before sending',
    what: 'This machine did not prove what it is.',
    remedy: 'other-machine',
    stop: true,
  },
  'wrong-node': {
    title: 'Stopped: another machine answered',
    what: 'It is not the one that was checked.',
    remedy: 'other-machine',
    stop: true,
  },
  'forged-frame': forged,
  'forged-refusal': forged,
  'frame-gap': cutShort,
  truncated: cutShort,
  unreachable: { title: 'No connection', what: 'Cocoon could not be reached.', remedy: 'again' },
  'wrong-broker': {
    title: 'Stopped: this is another network',
    what: 'The service answered for a network this app was not made for.',
    remedy: 'again',
    stop: true,
  },
  cancelled: { title: 'Stopped', what: 'You stopped it.', remedy: 'again' },
  closed: { title: 'Not sent yet', what: 'Cocoon was closed before your question left.', remedy: 'again' },
  unexpected: { title: 'Something in this app broke', what: 'That is our fault, not yours.', remedy: 'again' },
} as const satisfies Record<FailureReason, Notice>

const integers = new Intl.NumberFormat('en')
const clock = new Intl.DateTimeFormat('en', { hour: 'numeric', minute: '2-digit' })
const weekday = new Intl.DateTimeFormat('en', { weekday: 'long', hour: 'numeric', minute: '2-digit' })
const plural = new Intl.PluralRules('en')
const counted = (count: number, one: string, other: string): string =>
  `${integers.format(count)} ${plural.select(count) === 'one' ? one : other}`
const inADay = 20 * 60 * 60 * 1000
const when = (seconds: number): string => {
  const date = new Date(seconds * 1000)
  return seconds * 1000 - Date.now() < inADay ? `at ${clock.format(date)}` : `on ${weekday.format(date)}`
}

export const en = {
  chats: {
    label: 'Chats',
    fresh: 'New chat',
    /** Where the chat lives. */
    memory: {
      opening: '',
      kept: 'This chat is kept on this device, encrypted. A new chat deletes it.',
      window: 'This chat lives in this window only. Closing it forgets it.',
    },
  },
  close: 'Close',
  development: 'Development machine, not private',

  welcome: {
    title: 'Ask in private',
    text: 'Only the machine that answers can open your question. It proves what it is before you send.',
    developmentText:
      'Your question is sealed to the machine that answers. This one is for development: it proves nothing yet.',
    ideas: 'Ideas',
  },
  starters: {
    seal: 'How does my question stay private?',
    eyes: 'Who can read what I ask?',
    ask: 'What can you do?',
  },

  model: {
    title: 'Model',
    unknown: 'Cocoon',
    change: (name: string, state: string) => `${name}. ${state}. Change model`,
    perMillion: (ticker: string) => `${ticker} a million`,
    machines: (count: number) => (plural.select(count) === 'one' ? 'machine' : 'machines'),
    free: 'free now',
    none: 'No machine serves it now',
    unreachable: 'The list could not be loaded.',
    looking: 'Looking for machines',
    development: 'These machines are for development and prove nothing: their owners could read your question.',
  },
  standing: {
    private: 'Private, verified',
    open: 'Open: its owner could read',
    development: 'Development machine, not private',
    'not-attested': 'Not attested',
    checking: 'Checking',
    stopped: 'Stopped',
    offline: 'Not connected',
    looking: 'Connecting',
    waiting: 'In line',
    free: (count: number) => (count === 0 ? 'No machine is free' : counted(count, 'place free', 'places free')),
  },

  trial: {
    pill: (left: number) => `Free · ${integers.format(left)}`,
    unknown: 'Free',
    label: (left: number) => `${counted(left, 'free question', 'free questions')} left`,
    title: 'Free questions',
    left: (left: number, of: number) => `${integers.format(left)} of ${integers.format(of)} left`,
    renews: (seconds: number) => `All of them come back ${when(seconds)}.`,
    wallet: 'No wallet is needed for these. Paying for more comes later.',
  },

  composer: {
    label: 'Ask privately',
    send: 'Send',
    stop: 'Stop',
    first: (of: number) => `Your first ${counted(of, 'answer is', 'answers are')} on us`,
    firstUnknown: 'Your first answers are on us',
    noWallet: 'No wallet needed',
    offline: 'You are offline. Your question waits here.',
    few: (left: number) =>
      left === 0 ? 'No free questions left' : `${counted(left, 'free question', 'free questions')} left`,
    renews: (seconds: number) => `Back ${when(seconds)}`,
    editing: 'Editing your question',
    cancelEdit: 'Cancel editing',
    down: 'Jump to the end',
  },

  question: { label: 'Question', notSent: 'Not sent' },
  answer: {
    label: 'Answer',
    copy: 'Copy',
    again: 'Try again',
    more: 'More',
    copyCode: 'Copy code',
    copied: 'Copied',
    code: 'Code',
    reasoning: 'Thoughts',
    thinking: 'Thinking, sealed to this device',
    length: 'The answer reached its limit and ends here.',
    filtered: 'The machine held the rest of the answer back.',
    empty: 'The machine answered with nothing.',
    free: 'free',
    cost: (amount: string, ticker: string) => `${amount} ${ticker}`,
    standing: {
      private: 'Proven private',
      open: 'Open machine',
      development: 'Development machine',
      'not-attested': 'Not attested',
    },
    about: (standing: string) => `${standing}. About this machine`,
  },
  /** What the answer's status line says, by phase. */
  status: {
    matching: 'Finding a machine',
    waiting: 'All machines are busy; you are in line',
    checking: 'Checking the machine',
    sealing: 'Sealing',
    sealed: 'Sealed. Waiting for the first words',
    streaming: 'Answering, sealed to this device',
    done: '',
    stopped: 'Stopped',
    failed: '',
  } satisfies Record<Phase, string>,
  lost: 'Connection lost. The answer waits, sealed.',
  resumed: 'Back, nothing missed.',

  about: {
    private: {
      title: 'Private, and proven',
      text: 'Checked on this device before a word was sent.',
    },
    open: {
      title: 'Open machine',
      text: 'Nobody on the way could read your question, but the owner of this machine could.',
    },
    development: {
      title: 'Development machine, not private',
      text: 'Every check was made, but on a simulated machine whose keys everybody has: its owner could read your question. It shows how a private machine is proven.',
    },
    'not-attested': {
      title: 'Not attested',
      text: 'This machine is for development and proved nothing about itself: its owner could read your question. Nobody on the way could. It was sealed on this device and opened on that machine.',
    },
    machine: 'Machine',
    model: 'Model',
    read: 'Read',
    wrote: 'Wrote',
    cost: 'Cost',
    tokens: (count: number) => counted(count, 'token', 'tokens'),
  },
  proof: proofEn,
  /** `seconds`: Unix. */
  moment: (seconds: number) =>
    new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(seconds * 1000)),
  actions: {
    title: 'This answer',
    copyAnswer: 'Copy answer',
    copyQuestion: 'Copy question',
    edit: 'Edit question',
    machine: 'About this machine',
  },

  notices: notices as Record<FailureReason, Notice>,
  safe: {
    kept: 'Nothing left this device. Your question waits here.',
    sealed: 'Your question was sealed: nobody but that machine could open it.',
    waits: 'The answer waits for you, sealed, for a day.',
  },
  remedy: {
    again: 'Try again',
    'other-machine': 'Ask another machine',
    'sign-in': 'Sign in again',
    reopen: 'Close Cocoon',
    edit: 'Edit the question',
    'new-chat': 'Start a new chat',
  } satisfies Record<Remedy, string>,
  againIn: (seconds: number) => `Try again in ${integers.format(seconds)} s`,
  editInstead: 'Edit the question',
  integer: (value: number) => integers.format(value),
}

export type Words = typeof en
