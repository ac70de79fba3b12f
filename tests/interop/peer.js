// A carrier or a client made of npm's `smpp`, driven by JSON lines: what it sees goes to standard output.
//
//   node peer.js server              listens on a free port, accepts, and sends a receipt for each submit
//   node peer.js client PORT         binds, then sends each line of standard input as a submit (or {"query": id})
const readline = require('readline');
const smpp = require('smpp');

const tell = (said) => process.stdout.write(JSON.stringify(said) + '\n');
const textOf = (pdu) => {
  const carried = pdu.message_payload || pdu.short_message;
  return carried && carried.message !== undefined ? carried.message : String(carried || '');
};
const udhOf = (pdu) => ((pdu.short_message && pdu.short_message.udh) || []).map((one) => one.toString('hex'));
const seen = (pdu) => ({
  source: pdu.source_addr, source_ton: pdu.source_addr_ton, destination: pdu.destination_addr, text: textOf(pdu),
  data_coding: pdu.data_coding, esm_class: pdu.esm_class, udh: udhOf(pdu), registered_delivery: pdu.registered_delivery,
  validity: pdu.validity_period instanceof Date, our_reference: pdu.user_message_reference,
  sar: [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum],
});

function receiptFor(pdu, id) {
  return {
    source_addr: pdu.destination_addr, source_addr_ton: pdu.dest_addr_ton, destination_addr: pdu.source_addr, esm_class: 4,
    short_message: `id:${id} sub:001 dlvrd:001 submit date:2611221200 done date:2611221201 stat:DELIVRD err:000 text:`,
    receipted_message_id: id, message_state: 2,
  };
}

function serve() {
  let named = 0;
  const server = smpp.createServer((session) => {
    session.socket.setNoDelay(true);
    session.on('error', (error) => tell({ error: String(error) }));
    session.on('bind_transceiver', (pdu) => {
      const isKnown = pdu.system_id === 'demo' && pdu.password === 'secret';
      session.send(pdu.response({ command_status: isKnown ? smpp.ESME_ROK : smpp.ESME_RINVPASWD }));
      tell({ bound: isKnown });
    });
    session.on('submit_sm', (pdu) => {
      tell(seen(pdu));
      if (pdu.destination_addr.endsWith('99')) {
        session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
        return;
      }
      const id = `node-${(named += 1)}`;
      session.send(pdu.response({ message_id: id }));
      session.deliver_sm(receiptFor(pdu, id), (answer) => tell({ receipt: id, status: answer.command_status }));
    });
    session.on('query_sm', (pdu) => session.send(pdu.response({
      message_id: pdu.message_id, final_date: '261122120100000+', message_state: 2, error_code: 0,
    })));
    session.on('enquire_link', (pdu) => session.send(pdu.response()));
    session.on('unbind', (pdu) => { session.send(pdu.response()); tell({ unbound: true }); session.close(); });
  });
  server.listen(0, '127.0.0.1', () => tell({ port: server.address().port }));
}

function send(session, line) {
  if (line.query) {
    session.query_sm({ message_id: line.query, source_addr: line.source }, (answer) => tell({
      queried: line.query, status: answer.command_status, state: answer.message_state,
    }));
    return;
  }
  if (line.udh) line.short_message = { udh: Buffer.from(line.udh, 'hex'), message: line.short_message };
  delete line.udh;
  session.submit_sm(line, (answer) => tell({ status: answer.command_status, id: answer.message_id }));
}

function connect(port) {
  const session = smpp.connect({ host: '127.0.0.1', port: Number(port) }, () => {
    session.socket.setNoDelay(true);
    session.bind_transceiver({ system_id: 'demo', password: process.argv[4] || 'demo1234' }, (answer) => {
      tell({ bound: answer.command_status });
      if (answer.command_status) return;
      const lines = readline.createInterface({ input: process.stdin });
      lines.on('line', (line) => send(session, JSON.parse(line)));
      lines.on('close', () => session.unbind(() => { tell({ unbound: true }); session.close(); }));
    });
  });
  session.on('deliver_sm', (pdu) => {
    tell({ ...seen(pdu), receipt: pdu.receipted_message_id && pdu.receipted_message_id.toString().replace('\0', ''), state: pdu.message_state });
    session.send(pdu.response());
  });
  session.on('error', (error) => tell({ error: String(error) }));
}

process.stdin.on('end', () => { if (process.argv[2] === 'server') process.exit(0); });
if (process.argv[2] === 'server') { process.stdin.resume(); serve(); } else connect(process.argv[3]);
