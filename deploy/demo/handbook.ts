// What the support desk knows: a handbook long enough for a prompt cache (past 1,024 tokens), and a tool.

const rules = [
  'A parcel leaves within two working days and is at the door after three more.',
  'An item can be sent back within thirty days if it is unworn and its label is on.',
  'A refund is paid the way the order was paid; a voucher comes back as a voucher.',
  'Shipping to Austria, Germany and Switzerland costs 4.90; above 60.00 it is free.',
  'A broken parcel is replaced at once; a photograph is enough, nothing is sent back.',
  'Nobody is asked for a card number by mail, by telephone or in the chat.',
] as const

export const handbook = `Handbook of the support desk\n${Array.from(
  { length: 66 },
  (_, index) => `${index + 1}. ${rules[index % rules.length]}`,
).join('\n')}`

export const orderTool = {
  name: 'get_order',
  description: 'State of an order.',
  schema: {
    type: 'object' as const,
    properties: { order: { type: 'string', description: 'Number of the order' } },
    required: ['order'],
  },
  run: async (): Promise<string> => JSON.stringify({ order: 'A-1042', state: 'shipped', carrier: 'Post' }),
}
