/* Configuration files: YAML of the form section: {key: value}. */
#include "base_internal.h"

#include <errno.h>
#include <string.h>
#include <yaml.h>

typedef struct reader {
  rg_config *config;
  const char *path;
  yaml_document_t document;
} reader;

static char *place(const reader *r, const yaml_node_t *node)
{
  return rg_format("%s:%zu", r->path, node->start_mark.line + 1);
}

static rg_status fail_at(const reader *r, const yaml_node_t *node, const char *what)
{
  return rg_fail(RG_EUSAGE, "%s:%zu: %s", r->path, node->start_mark.line + 1, what);
}

static const char *scalar(const yaml_node_t *node)
{
  return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

static bool is_null(const yaml_node_t *node)
{
  static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
  if (!scalar(node) || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
    return false;
  for (int i = 0; i < (int)(sizeof nulls / sizeof *nulls); i++)
    if (strcmp(scalar(node), nulls[i]) == 0)
      return true;
  return false;
}

/* A scalar, or a list of scalars joined by commas; NULL for null. Owned. */
static rg_status value_text(reader *r, const yaml_node_t *node, char **text)
{
  *text = NULL;
  if (is_null(node))
    return RG_OK;
  if (scalar(node) && strlen(scalar(node)) != node->data.scalar.length)
    return fail_at(r, node, "a value holds a zero byte");
  if (node->type == YAML_SCALAR_NODE) {
    *text = rg_strdup(scalar(node));
    return RG_OK;
  }
  if (node->type != YAML_SEQUENCE_NODE)
    return fail_at(r, node, "a value must be a scalar or a list of scalars");
  char *joined = rg_strdup("");
  for (yaml_node_item_t *i = node->data.sequence.items.start;
       i < node->data.sequence.items.top; i++) {
    const char *item = scalar(yaml_document_get_node(&r->document, *i));
    if (!item) {
      rg_free(joined);
      return fail_at(r, node, "a list must hold scalars");
    }
    char *longer = rg_format("%s%s%s", joined, *joined ? "," : "", item);
    rg_free(joined);
    joined = longer;
  }
  *text = joined;
  return RG_OK;
}

/* No key of a mapping stands twice, and each is a scalar. */
static rg_status check_keys(reader *r, const yaml_node_t *map)
{
  for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
       p < map->data.mapping.pairs.top; p++) {
    const yaml_node_t *key = yaml_document_get_node(&r->document, p->key);
    if (!scalar(key))
      return fail_at(r, key, "a key must be a scalar");
    for (yaml_node_pair_t *q = map->data.mapping.pairs.start; q < p; q++)
      if (strcmp(scalar(yaml_document_get_node(&r->document, q->key)), scalar(key)) ==
          0)
        return rg_fail(RG_EUSAGE, "%s:%zu: key '%s' stands twice; remove one", r->path,
                       key->start_mark.line + 1, scalar(key));
  }
  return RG_OK;
}

static rg_status read_option(reader *r, const char *section, yaml_node_pair_t *pair)
{
  const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
  char *where = place(r, key), *text = NULL;
  rg_status status;
  RG_TRY(value_text(r, yaml_document_get_node(&r->document, pair->value), &text));
  RG_TRY(rg_config_set_from_file(r->config, section, scalar(key), text, where));
out:
  rg_free(where);
  rg_free(text);
  return status;
}

static rg_status read_section(reader *r, yaml_node_pair_t *pair)
{
  const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
  const yaml_node_t *map = yaml_document_get_node(&r->document, pair->value);
  rg_status status = RG_OK;
  if (is_null(map))
    return RG_OK;
  if (map->type != YAML_MAPPING_NODE)
    return rg_fail(RG_EUSAGE, "%s:%zu: section '%s' must hold key: value pairs",
                   r->path, key->start_mark.line + 1, scalar(key));
  RG_TRY(check_keys(r, map));
  for (yaml_node_pair_t *p = map->data.mapping.pairs.start;
       p < map->data.mapping.pairs.top; p++)
    RG_TRY(read_option(r, scalar(key), p));
out:
  return status;
}

static rg_status read_document(reader *r)
{
  yaml_node_t *root = yaml_document_get_root_node(&r->document);
  rg_status status = RG_OK;
  if (!root || is_null(root))
    return RG_OK; /* an empty file changes nothing */
  if (root->type != YAML_MAPPING_NODE)
    return fail_at(r, root, "expected sections of key: value pairs");
  RG_TRY(check_keys(r, root));
  for (yaml_node_pair_t *p = root->data.mapping.pairs.start;
       p < root->data.mapping.pairs.top; p++)
    RG_TRY(read_section(r, p));
out:
  return status;
}

rg_status rg_config_yaml(rg_config *config, const char *path, const char *text)
{
  reader r = {.config = config, .path = path};
  yaml_parser_t parser;
  RG_ASSERT(yaml_parser_initialize(&parser));
  yaml_parser_set_input_string(&parser, (const unsigned char *)text, strlen(text));
  rg_status status;
  if (yaml_parser_load(&parser, &r.document)) {
    status = read_document(&r);
    yaml_document_delete(&r.document);
  } else {
    status = rg_fail(RG_EUSAGE, "%s:%zu: not YAML: %s", path,
                     parser.problem_mark.line + 1, parser.problem);
  }
  yaml_parser_delete(&parser);
  return status;
}

/* The whole file as text, owned; configuration files are small. */
static rg_status read_file(const char *path, char **text)
{
  enum { LARGEST = 1 << 20 };
  FILE *file = fopen(path, "rb");
  if (!file)
    return rg_fail(RG_EINPUT, "%s: cannot be opened: %s", path, strerror(errno));
  char *bytes = RG_NEW(char, LARGEST + 1);
  size_t n = fread(bytes, 1, LARGEST + 1, file);
  bool failed = ferror(file);
  fclose(file);
  rg_status status = RG_OK;
  if (failed)
    status = rg_fail(RG_EINPUT, "%s: cannot be read", path);
  else if (n > LARGEST)
    status = rg_fail(RG_EINPUT, "%s: too large for a configuration file", path);
  else if (memchr(bytes, 0, n))
    status = rg_fail(RG_EINPUT, "%s: not a text file", path);
  if (status == RG_OK)
    *text = bytes;
  else
    rg_free(bytes);
  return status;
}

rg_status rg_config_file(rg_config *config, const char *path)
{
  char *text = NULL;
  rg_status status = read_file(path, &text);
  if (status == RG_OK)
    status = rg_config_yaml(config, path, text);
  rg_free(text);
  return status;
}
