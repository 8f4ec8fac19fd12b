# A message was moved into Junk by its reader: learn it as spam (docs/integrate/dovecot.md).
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];

if environment :matches "imap.user" "*" {
  set "username" "${1}";
}

pipe :copy "wardline-learn" ["spam", "${username}"];
