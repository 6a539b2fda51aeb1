/* From the bytes of a file to its elements: see conf_reader.h. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include "common/bug.h"
#include "master/conf_reader.h"

/* A document type could hold entities: none is needed, none is taken. */
static void
on_doctype(void *arg, const xmlChar *name, const xmlChar *external,
    const xmlChar *system)
{
	xmlParserCtxt *ctxt = arg;
	struct conf_reader *r = ctxt->_private;
	(void)name;
	(void)external;
	(void)system;
	conf_fault(r, ctxt->input ? ctxt->input->line : 1, "DOCTYPE",
	    "expected a document without a document type");
	r->doctype = true;
	xmlStopParser(ctxt);
}

/* The first fault is the cause; what follows from it is not shown. */
static void
on_syntax(void *arg, xmlError *e)
{
	xmlParserCtxt *ctxt = arg;
	struct conf_reader *r = ctxt->_private;
	if (r->syntax_line != 0 || e->level < XML_ERR_ERROR)
		return;
	r->syntax_line = e->line > 0 ? e->line : 1;
	snprintf(r->syntax, sizeof r->syntax, "%s",
	    e->message ? e->message : "not XML");
	r->syntax[strcspn(r->syntax, "\n")] = '\0';
}

static void
report_syntax(struct conf_reader *r)
{
	if (!r->doctype)
		conf_fault(r, r->syntax_line ? r->syntax_line : 1, NULL,
		    "expected well-formed XML: %s",
		    r->syntax_line ? r->syntax : "not XML");
}

static void
parse(struct conf_reader *r, const char *bytes, size_t len, bool all)
{
	xmlParserCtxt *ctxt = xmlNewParserCtxt();
	bug_on(!ctxt);
	ctxt->_private = r;
	ctxt->sax->internalSubset = on_doctype;
	ctxt->sax->serror = on_syntax;
	r->doctype = false;
	r->syntax_line = 0;
	memset(r->seen, 0, sizeof r->seen);
	xmlDoc *doc = xmlCtxtReadMemory(ctxt, bytes, (int)len, r->file, NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
		XML_PARSE_BIG_LINES);
	if (!doc || r->doctype)
		report_syntax(r);
	else
		conf_read_root(r, xmlDocGetRootElement(doc), all);
	xmlFreeDoc(doc);
	xmlFreeParserCtxt(ctxt);
}

void
conf_read_xml(struct conf_reader *r, const char *path, bool all)
{
	char *bytes = NULL;
	r->file = path;
	ssize_t n = conf_slurp(r, &bytes);
	if (n >= 0 && !conf_is_foreign(r, bytes))
		parse(r, bytes, (size_t)n, all);
	free(bytes);
}

void
conf_xml_end(void)
{
	xmlCleanupParser();
}
