import type { FailureReason, Phase } from '../turn.ts'
import { notices } from './en-notices.ts'
import { pages } from './en-pages.ts'
import { proofEn } from './en-proof.ts'
import type { Notice, Remedy } from './notice.ts'
import { speechOf } from './speech.ts'

const speech = speechOf('en')
const { integer, counted, form } = speech
const inADay = 20 * 60 * 60 * 1000
const when = (seconds: number): string => {
  const at = seconds * 1000
  return at - Date.now() < inADay ? `at ${speech.clock(at)}` : `on ${speech.weekdayAndClock(at)}`
}

export const en = {
  ...speech,
  ...pages,
  language: 'en' as 'en' | 'ru',
  close: 'Close',
  development: 'Development machine, not private',

  welcome: {
    title: 'Ask in private',
    text: 'Only the machine that answers can open your question. It proves what it is before you send.',
    developmentText:
      'Your question is sealed to the machine that answers. This one is for development: it proves nothing yet.',
    ideas: 'Ideas',
  },
  model: {
    title: 'Model',
    unknown: 'Cocoon',
    change: (name: string, state: string) => `${name}. ${state}. Change model`,
    price: 'price',
    perMillion: (ticker: string) => `${ticker} a million`,
    machines: (count: number) => form(count, { one: 'machine', other: 'machines' }),
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
    free: (count: number) =>
      count === 0 ? 'No machine is free' : counted(count, { one: 'place free', other: 'places free' }),
  },

  trial: {
    pill: (left: number) => `Free · ${integer(left)}`,
    unknown: 'Free',
    label: (left: number) => `${counted(left, { one: 'free question', other: 'free questions' })} left`,
    title: 'Free questions',
    left: (left: number, of: number) => `${integer(left)} of ${integer(of)} left`,
    renews: (seconds: number) => `All of them come back ${when(seconds)}.`,
    wallet: 'No wallet is needed for these. Paying for more comes later.',
  },

  composer: {
    label: 'Ask privately',
    send: 'Send',
    stop: 'Stop',
    first: (of: number) => `Your first ${counted(of, { one: 'answer is', other: 'answers are' })} on us`,
    firstUnknown: 'Your first answers are on us',
    noWallet: 'No wallet needed',
    offline: 'You are offline. Your question waits here.',
    few: (left: number) =>
      left === 0
        ? 'No free questions left'
        : `${counted(left, { one: 'free question', other: 'free questions' })} left`,
    renews: (seconds: number) => `Back ${when(seconds)}`,
    editing: 'Editing your question',
    cancelEdit: 'Cancel editing',
    prompts: 'Prompts',
    down: 'Jump to the end',
  },

  question: { label: 'Question', notSent: 'Not sent' },
  branch: {
    label: 'Versions',
    at: (index: number, of: number) => `Version ${integer(index)} of ${integer(of)}`,
    before: 'Earlier version',
    after: 'Later version',
  },
  answer: {
    label: 'Answer',
    copy: 'Copy',
    again: 'Ask another machine',
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
    tokens: (count: number) => counted(count, { one: 'token', other: 'tokens' }),
  },
  proof: proofEn,
  actions: {
    title: 'This answer',
    copyAnswer: 'Copy answer',
    copyQuestion: 'Copy question',
    edit: 'Edit question',
    share: 'Share',
    report: 'Report this answer',
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
  againIn: (seconds: number) => `Try again in ${integer(seconds)} s`,
  editInstead: 'Edit the question',
}

export type Words = typeof en
