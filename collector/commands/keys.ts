// spanledger keys: makes keys, lists those of keys_file, checks the file. It is edited by hand: what is made is printed to paste.

import { scopes } from '../../schemas/access.ts'
import { type Command, type CommandContext, exitCode, UsageError } from '../command.ts'
import { type KeyEntry, readKeys } from '../keys/entries.ts'
import { makeKey } from '../keys/key-text.ts'
import { type KeysFile, loadKeysFile } from '../keys/keys-file.ts'
import { section } from '../words-table.ts'

export default {
  name: 'keys',
  summary: 'Make a key, list the keys of keys_file, or check it',
  arguments: { usage: 'create|list|check', min: 1, max: 1 },
  options: [
    { flag: 'name', value: 'NAME', doc: 'create: by which people know the key' },
    { flag: 'project', value: 'PROJECT', doc: 'create: project of whatever is sent and asked with it' },
    { flag: 'may', value: 'LIST', doc: `create: out of ${scopes.join(', ')}; ingest, or with --origins feedback` },
    { flag: 'expires', value: 'DATE', doc: 'create: from when on it counts no more; never' },
    { flag: 'origins', value: 'LIST', doc: 'create: a key for web pages of these origins, which is no secret' },
  ],
  async run(context) {
    const [what] = context.arguments
    if (what !== 'create' && ['name', 'project', 'may', 'expires', 'origins'].some((flag) => context.has(flag)))
      throw new UsageError(`keys ${what} takes no flags: they are for keys create`)
    switch (what) {
      case 'create':
        return create(context)
      case 'list':
        return list(context)
      case 'check':
        return check(context)
      default:
        throw new UsageError(`keys ${what} is not known: create, list or check`)
    }
  },
} satisfies Command

function create(context: CommandContext): number {
  const [name, project] = ['name', 'project'].map((flag) => {
    const given = context.option(flag)
    if (given === undefined) throw new UsageError(`--${flag} is missing`)
    return given
  })
  const origins = context.option('origins')
  const may = context.option('may') ?? (origins === undefined ? 'ingest' : 'feedback')
  const expires = context.option('expires')
  const { text, prefix, sha256 } = makeKey({ isPublic: origins !== undefined })
  const entry = {
    name: name!,
    project: project!,
    prefix,
    sha256,
    may: may.split(',').map((each) => each.trim()),
    ...(expires === undefined ? {} : { expires }),
    ...(origins === undefined ? {} : { origins: origins.split(',').map((each) => each.trim()) }),
  }
  const { findings } = readKeys({ keys: [entry] })
  if (findings[0] !== undefined) throw new UsageError(findings[0].text.replace(/^keys\[0\][^:]*: /, ''))
  context.print({ key: text, entry }, () => `${text}\n\n${yamlOf(entry)}`)
  context.note(
    origins === undefined
      ? 'The first line is the key: it is shown once and kept nowhere. The rest goes below "keys:" in the file keys_file.'
      : 'The first line is the key, which may stand in the pages. The rest goes below "keys:" in the file keys_file.',
  )
  return exitCode.done
}

/** Every text in quotes as JSON has them, which YAML reads alike. */
function yamlOf(entry: Readonly<Record<string, string | readonly string[]>>): string {
  const plain = /^[A-Za-z][A-Za-z0-9._-]*$/
  const text = (value: string): string =>
    plain.test(value) && !/^(true|false|null|yes|no|on|off)$/i.test(value) ? value : JSON.stringify(value)
  const lines = Object.entries(entry).map(([key, value]) =>
    typeof value === 'string' ? `${key}: ${text(value)}` : `${key}: [${value.map(text).join(', ')}]`,
  )
  return `  - ${lines.join('\n    ')}`
}

function list(context: CommandContext): number {
  const { entries, findings } = fileOf(context)
  if (findings.length > 0) return wrong(context, findings)
  const nowMs = Date.now()
  const rows = entries.map((entry) => shown(entry, nowMs))
  const texts = rows.map((row) => ({
    ...row,
    may: row.may.join(', '),
    expires: row.expires ?? 'never',
    origins: row.origins.join(' '),
  }))
  const columns = { name: 'name', project: 'project', prefix: 'prefix', may: 'may', expires: 'expires', state: 'state' }
  context.print(rows, () => section('Keys', texts, { ...columns, origins: 'origins' }))
  return exitCode.done
}

function shown({ name, project, prefix, may, expiresMs, origins }: KeyEntry, nowMs: number) {
  return {
    name,
    project,
    prefix,
    may: [...may],
    expires: expiresMs === null ? null : new Date(expiresMs).toISOString(),
    state: expiresMs !== null && expiresMs <= nowMs ? 'expired' : 'in force',
    origins,
  }
}

function check(context: CommandContext): number {
  const { entries, findings } = fileOf(context)
  if (findings.length > 0) return wrong(context, findings)
  context.print({ ok: true, keys: entries.length }, () => `${entries.length} keys, nothing wrong`)
  return exitCode.done
}

function wrong({ print, note, config }: CommandContext, findings: readonly string[]): number {
  for (const finding of findings) note(finding)
  print({ ok: false, findings }, () => `keys_file ${config.keysFile}: ${findings.length} findings`)
  return exitCode.finding
}

function fileOf({ config: { keysFile } }: CommandContext): KeysFile {
  if (keysFile === '') throw new UsageError('keys_file is not set: give it by --keys-file FILE or SPANLEDGER_KEYS_FILE')
  return loadKeysFile(keysFile)
}
