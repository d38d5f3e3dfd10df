import type { Page } from 'playwright'

export type Language = 'en' | 'ru'
/** Names as a person reads them, for those flows that are walked in both languages. */
export const names = {
  en: {
    ask: 'Ask privately',
    send: 'Send',
    stop: 'Stop',
    answer: 'Answer',
    chats: 'Chats',
    settings: 'Settings',
    prompts: 'Prompts',
    more: 'More',
    share: 'Share',
    report: 'Report this answer',
    model: /Change model$/,
    free: /free questions? left$/,
    close: 'Close',
    chatMore: /^More about /,
    rename: 'Rename',
    delete: 'Delete for good',
    search: 'Search on this device',
    network: 'Network',
    instructions: /^Instructions/,
    sees: 'Who can see what',
    terms: 'Terms',
    wipe: 'Delete everything',
    again: 'Ask another machine',
  },
  ru: {
    ask: 'Спросить приватно',
    send: 'Отправить',
    stop: 'Остановить',
    answer: 'Ответ',
    chats: 'Чаты',
    settings: 'Настройки',
    prompts: 'Заготовки',
    more: 'Ещё',
    share: 'Поделиться',
    report: 'Пожаловаться на ответ',
    model: /Сменить модель$/,
    free: /^Осталось/,
    close: 'Закрыть',
    chatMore: /^Ещё о чате/,
    rename: 'Переименовать',
    delete: 'Удалить навсегда',
    search: 'Поиск на этом устройстве',
    network: 'Сеть',
    instructions: /^Указания/,
    sees: 'Кто что видит',
    terms: 'Условия',
    wipe: 'Удалить всё',
    again: 'Спросить другую машину',
  },
} as const

/** Walks through every screen and sheet of the app, and calls `look` at each. */
export async function walkScreens(
  page: Page,
  language: Language,
  look: (screen: string) => Promise<void>,
  { untilAnswered = true } = {},
): Promise<void> {
  const say = names[language]
  const press = (name: string | RegExp) =>
    page
      .getByRole('button', { name, exact: typeof name === 'string' })
      .first()
      .click()
  const close = async () => {
    await page.getByRole('dialog').getByRole('button', { name: say.close }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  }
  const sheet = async (name: string, open: () => Promise<void>) => {
    await open()
    await page.getByRole('dialog').waitFor()
    await look(name)
    await close()
  }
  const back = () => page.goBack()
  const place = async (name: string, open: () => Promise<void>) => {
    await open()
    await page.getByRole('heading', { level: 1 }).waitFor()
    await look(name)
  }
  const ask = async (question: string) => {
    await page.getByLabel(say.ask).fill(question)
    await press(say.send)
  }

  await page.getByRole('button', { name: say.free }).waitFor()
  await look('first-open')
  await page.getByLabel(say.ask).fill('Tell me a long story about a silkworm')
  await look('draft')
  await sheet('prompts', () => press(say.prompts))
  await sheet('model', () => press(say.model))
  await sheet('trial', () => press(say.free))
  await press(say.send)
  await page.getByRole('article', { name: say.answer }).waitFor()
  if (!untilAnswered) return
  await page.getByRole('button', { name: say.stop }).waitFor({ state: 'detached' })
  await look('answer')
  await ask('Show me a table of who sees what')
  await page.getByRole('button', { name: say.stop }).waitFor({ state: 'detached' })
  await press(say.again)
  await page.getByRole('button', { name: say.stop }).waitFor({ state: 'detached' })
  await look('branches')
  await sheet('actions', () => press(say.more))
  await sheet('share', async () => {
    await press(say.more)
    await press(say.share)
  })
  await sheet('report', async () => {
    await press(say.more)
    await press(say.report)
  })
  await place('chats', () => press(say.chats))
  await page.getByLabel(say.search).fill('silkworm')
  await page.getByRole('status').first().waitFor()
  await page.waitForTimeout(300)
  await look('search')
  await page.getByLabel(say.search).fill('')
  await sheet('chat-menu', () => press(say.chatMore))
  await sheet('rename', async () => {
    await press(say.chatMore)
    await press(say.rename)
  })
  await sheet('delete', async () => {
    await press(say.chatMore)
    await press(say.delete)
  })
  await place('network', () => press(say.network))
  await back()
  await place('settings', () => press(say.settings))
  await sheet('wipe', () => press(say.wipe))
  await place('instructions', () => press(say.instructions))
  await back()
  await place('privacy', () => press(say.sees))
  await back()
  await place('terms', () => press(say.terms))
  await back()
  await back()
  await back()
  await page.context().setOffline(true)
  await look('offline')
  await page.context().setOffline(false)
}
