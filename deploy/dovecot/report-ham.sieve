# A message was moved out of Junk by its reader: learn it as wanted mail (docs/integrate/dovecot.md).
require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "variables"];

# Thrown away is not taken back: a message that goes from Junk to Trash says nothing.
if environment :matches "imap.mailbox" "*" {
  set "mailbox" "${1}";
}
if string "${mailbox}" ["Trash", "Deleted Messages"] {
  stop;
}

if environment :matches "imap.user" "*" {
  set "username" "${1}";
}

pipe :copy "wardline-learn" ["ham", "${username}"];
