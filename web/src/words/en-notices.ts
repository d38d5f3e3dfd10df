import type { FailureReason } from '../turn.ts'
import type { Notice } from './notice.ts'

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

export const notices = {
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
