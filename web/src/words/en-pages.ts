import { speechOf } from './speech.ts'

const { counted } = speechOf('en')

/** The words of pages and of sheets that are not about an answer. */
export const pages = {
  back: 'Back',
  cancel: 'Cancel',
  save: 'Save',
  delete: 'Delete',
  done: 'Done',

  chats: {
    label: 'Chats',
    fresh: 'New chat',
    search: 'Search on this device',
    today: 'Today',
    yesterday: 'Yesterday',
    week: 'Last week',
    earlier: 'Earlier',
    results: (count: number) => (count === 0 ? 'Nothing found' : counted(count, { one: 'chat', other: 'chats' })),
    searching: 'Searching',
    emptyTitle: 'No chats yet',
    emptyText: 'What you ask is kept here, encrypted on this device.',
    answering: 'Answering',
    more: (title: string) => `More about ${title}`,
    /** Where the chats live. */
    memory: {
      opening: '',
      kept: 'Kept on this device, encrypted. An answer you have not fetched waits sealed, 24 hours at most.',
      window:
        'This chat lives in this window only. Another window keeps the history, or this browser stores nothing. Closing it forgets it.',
    },
    rename: 'Rename',
    renameLabel: 'Title',
    exportMarkdown: 'Export as Markdown',
    exportJson: 'Export as JSON',
    delete: 'Delete for good',
    deleteTitle: 'Delete this chat?',
    deleteText: 'Questions, answers and every version of them are removed from this device. Nobody has a copy.',
    failed: 'The storage of this device refused. Nothing was changed.',
  },

  shelf: { label: 'More', network: 'Network', provide: 'Provide', settings: 'Settings' },
  later: {
    network: 'Models, machines, prices and load, for everyone to see. This page is not here yet.',
    provide: 'Your machines, their health and what they earned. This page is not here yet.',
  },

  starters: {
    contract: 'Explain a contract I paste',
    letter: 'Write a difficult letter with me',
    eyes: 'Who can read what I ask?',
  },
  startersText: {
    contract: 'Explain this contract in plain words, and name what I should be careful about:',
    letter: 'Help me write a letter that is honest and kind. This is what it is about:',
  },
  presets: {
    translate: { title: 'Translate', about: 'Into English', text: 'Translate into English:' },
    summarise: { title: 'Summarise', about: 'The main points, briefly', text: 'Summarise the main points briefly:' },
    rewrite: {
      title: 'Rewrite',
      about: 'Clearer, in the same tone',
      text: 'Rewrite this so that it is clearer, in the same tone and language:',
    },
    explain: { title: 'Explain', about: 'In simple words', text: 'Explain in simple words:' },
    correct: {
      title: 'Correct',
      about: 'Spelling and grammar only',
      text: 'Correct spelling and grammar, and change nothing else:',
    },
  },
  prompts: {
    title: 'Prompts',
    mine: 'Saved',
    saveDraft: 'Save what I wrote as a prompt',
    none: 'Write something you ask often, then save it here.',
    deleteOne: (text: string) => `Delete the prompt ${text}`,
  },

  share: {
    title: 'Share this answer',
    warning: 'What you share is no longer private: Telegram and whoever gets it can read it.',
    send: 'Send in Telegram',
    copy: 'Copy the text',
  },
  report: {
    title: 'Report this answer',
    text: 'Tell whoever runs this service about a bad answer. The report names the model and the machine. It holds no word of yours and none of the answer.',
    copy: 'Copy the report',
    copied: 'Copied. Send it to the support of the bot you opened Cocoon from.',
  },

  settings: {
    title: 'Settings',
    language: 'Language',
    languages: { auto: 'As in Telegram', en: 'English', ru: 'Русский' },
    answers: 'Answers',
    instructions: 'Instructions',
    instructionsNone: 'Nothing set',
    instructionsText:
      'What every answer should heed, such as “be brief” or “I am a nurse”. Kept encrypted on this device, sealed to the machine with each question.',
    instructionsLabel: 'Instructions for every answer',
    app: 'App',
    home: 'Add to home screen',
    fullscreen: 'Full screen',
    privacy: 'Privacy',
    brokerSees: 'Who can see what',
    key: 'Key of your history',
    keyGuarded: 'In this phone’s keychain',
    keyDevice: 'In this browser, unreadable to scripts',
    keyNone: 'Nothing is kept in this window',
    keyWarning:
      'Telegram offers no keychain here. The key cannot leave this browser, and is lost when its data is cleared. The chats are lost with it.',
    broker: 'Service',
    data: 'Your data',
    exportAll: 'Export all chats',
    wipe: 'Delete everything',
    wipeTitle: 'Delete everything on this device?',
    wipeText: 'All chats, prompts, instructions and choices go, for good. Nobody has a copy.',
    wiped: 'Everything was deleted.',
    about: 'About',
    terms: 'Terms',
    version: 'Version',
  },

  privacyPage: {
    title: 'Who can see what',
    intro: 'Your device seals each question to one machine. Only that machine can open it.',
    table: [
      ['This device', 'everything, encrypted when it is kept'],
      ['The machine that answers', 'the question and the answer, not who you are'],
      ['The service in between', 'who asks, when, which model, padded sizes, amounts, your internet address'],
      ['Telegram', 'that you opened Cocoon, and what you share yourself'],
      ['Everyone', 'deposits and payments on the chain, if you pay'],
    ],
    who: 'Who',
    sees: 'Sees',
    notes: [
      [
        'What is kept',
        'Chats stay on this device, encrypted. An answer you have not fetched waits sealed for 24 hours at most, and then it is deleted.',
      ],
      [
        'What is not proven',
        'A development machine proves nothing: its owner could read your question. The app says so all the while.',
      ],
      [
        'What nobody can undo',
        'A text you share or copy is out of our hands. A key that was lost opens nothing any more.',
      ],
      ['No trackers', 'This app asks nobody but its own service, and counts nothing about you.'],
    ],
  },
  termsPage: {
    title: 'Terms',
    notes: [
      [
        'What this is',
        'Cocoon passes sealed questions to machines that others run, and brings back their answers. It does not read them and cannot.',
      ],
      [
        'Answers can be wrong',
        'A model may be mistaken and sound sure. Do not rely on it alone for health, law, money or safety.',
      ],
      [
        'What is not allowed',
        'Do not use it to harm people, to break the law, or to overload machines of others. A service may refuse people who do.',
      ],
      ['What it costs', 'Free questions are free. Paid ones cost what was shown before sending, and no more.'],
      [
        'As it is',
        'The software is open and comes without a warranty. Machines may be busy or gone; a question that was not answered is not charged.',
      ],
    ],
  },

  update: {
    title: 'Cocoon was updated',
    text: 'Load it again to go on. Your chats and your draft stay.',
    reload: 'Load again',
  },
  broken: {
    title: 'Something in this app broke',
    text: 'That is our fault, not yours. Your chats are stored on this device; load the app again.',
    offline: 'This page could not be loaded. Connect, and try again.',
  },
}
