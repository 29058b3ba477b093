// The worker as it is, under the probe: the probe must be there before anything connects to PostgreSQL.
import './probe.ts';
import '../../worker/main.ts';
