# On delivery: what Wardline calls junk goes to Junk (docs/integrate/dovecot.md).
require ["fileinto", "mailbox"];

if header :is "X-Spam" "Yes" {
  fileinto :create "Junk";
  stop;
}
