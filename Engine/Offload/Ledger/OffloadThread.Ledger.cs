namespace Mergeflow.Engine.Offload;

/// <summary>Booking: device counters are monotone; each difference is credited once, to every visit of the chain.</summary>
public sealed partial class OffloadThread
{
    /// <summary>Parts in which <see cref="OffloadOptions.UnresponsiveTimeoutMs"/> is waited: a device that was drained so often without confirming anything will not.</summary>
    private const int MaxIdleDrains = 4;

    private int _pollCursor;

    /// <summary>
    /// Brings everything to rest on one thread: handles all that is queued, reads all counters and credits them. Call it before the clock moves
    /// and before counters are read. Rules whose removal takes device time stay Dying; what they have counted so far is credited.
    /// </summary>
    public void Settle(long nowMs)
    {
        lock (_gate)
        {
            while (StepLocked(nowMs) > 0)
            {
            }

            PollAll();
        }
    }

    /// <summary>Reads all counters now and credits them.</summary>
    public void CreditAll(long nowMs)
    {
        lock (_gate)
        {
            _nowMs = Math.Max(_nowMs, nowMs);
            PollAll();
        }
    }

    /// <summary>
    /// Returns when no packet uses a rule that was revoked before: at once if the device has gates, or keeps connections and looks at each (then
    /// the rules are removed later, by <see cref="Step"/>); otherwise it is a <see cref="Barrier"/>.
    /// </summary>
    public Acknowledgement Acknowledge(long nowMs)
    {
        Acknowledgement answer = _gates is null ? Barrier(nowMs) : Standing;
        if (answer == Acknowledgement.DeviceSuspended) Stats.Unacknowledged++;
        return answer;
    }

    /// <summary>
    /// <see cref="Settle"/>, and waits for the device until no revoked rule is left in it. A device that does not answer meanwhile is taken out of the
    /// path until it does: then no packet uses any rule of it.
    /// </summary>
    public Acknowledgement Barrier(long nowMs)
    {
        lock (_gate)
        {
            while (StepLocked(nowMs) > 0)
            {
            }

            // Rules that make room for others die meanwhile; only those that were dying before are waited for, and only in a device that goes on using them.
            List<MergedFlow> revoked = DyingCount == 0 || IsSuspended || _provider.Capabilities.RevokesAtOnce ? [] : _rules.FindAll(static r => r.State == MergedFlowState.Dying);
            for (int idle = 0; revoked.Count > 0 && idle < MaxIdleDrains;)
            {
                Drain(nowMs);
                while (StepLocked(nowMs) > 0)
                {
                }

                idle = revoked.RemoveAll(static r => r.State == MergedFlowState.Dead) > 0 ? 0 : idle + 1;
            }

            if (revoked.Count > 0) Suspend();
            PollAll();
            return Standing;
        }
    }

    /// <summary>Reads and credits up to <paramref name="budget"/> rules in turn; for the aging poller. Returns how many had news.</summary>
    internal int PollCounters(int budget, long nowMs)
    {
        lock (_gate)
        {
            if (IsAbandoned) return 0;
            _nowMs = Math.Max(_nowMs, nowMs);
            int news = 0;
            try
            {
                for (int i = 0; i < Math.Min(budget, _rules.Count); i++)
                {
                    if (_pollCursor >= _rules.Count) _pollCursor = 0;
                    if (Poll(_rules[_pollCursor++])) news++;
                }
            }
            catch (Exception e)
            {
                Fail(e);
            }

            return news;
        }
    }

    /// <summary>Reads every rule as of the next counter refresh: a simulated device's clock may run ahead.</summary>
    private void PollAll()
    {
        if (IsAbandoned) return;
        long nowMs = _nowMs;
        try
        {
            _nowMs += _provider.Capabilities.CounterLagMs;
            for (int i = _rules.Count - 1; i >= 0; i--) Poll(_rules[i]);
        }
        catch (Exception e)
        {
            Fail(e);
        }

        _nowMs = nowMs;
    }

    private void Drain(long nowMs)
    {
        try
        {
            _provider.Drain(nowMs, _options.UnresponsiveTimeoutMs / MaxIdleDrains);
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private bool Poll(MergedFlow rule) => _provider.Query(rule, _nowMs, out OffloadCounters counters) && Credit(rule, counters);

    private bool Credit(MergedFlow rule, OffloadCounters counters)
    {
        // A device that was reset counts from 0 again; what it forgot is not credited twice. One that counts packets and bytes one after the other
        // may have been read in between: then the bytes are all that is new next time.
        if (counters.Packets < rule.Packets || (counters.Packets == rule.Packets && counters.Bytes <= rule.Bytes)) return false;
        ulong packets = counters.Packets - rule.Packets;
        ulong bytes = counters.Bytes - rule.Bytes;
        long lastUsedMs = counters.LastUsedMs >= 0 ? counters.LastUsedMs : _nowMs;
        rule.Packets = counters.Packets;
        rule.Bytes = counters.Bytes;
        rule.LastUsedMs = lastUsedMs;
        if (rule.Timeline.FirstHitAtMs < 0) rule.Timeline.FirstHitAtMs = lastUsedMs;
        Stats.Hits += packets;
        Stats.HitBytes += bytes;
        foreach (ref readonly MergedPass p in rule.Passes.AsSpan())
        {
            _megaflows.Credit(p.MegaflowId, p.Generation, packets * (ulong)p.Multiplicity, Corrected(packets, bytes, p.Multiplicity, p.LengthDeltaBytes), lastUsedMs);
        }

        // A device that keeps connections has counted each hit once, at the length on receipt.
        bool isCounted = _provider.Capabilities.KeepsConnections;
        foreach (ref readonly MergedConn c in rule.Conns.AsSpan())
        {
            if (isCounted && c is { Multiplicity: 1, LengthDeltaBytes: 0 }) continue;
            ulong connPackets = packets * (ulong)c.Multiplicity;
            ulong connBytes = Corrected(packets, bytes, c.Multiplicity, c.LengthDeltaBytes);
            if (isCounted) (connPackets, connBytes) = (connPackets - packets, unchecked(connBytes - bytes));
            _conns.Credit(c.ConnId, c.Generation, c.Reply, connPackets, connBytes, lastUsedMs);
        }

        return true;
    }

    /// <summary>Bytes of all visits: each at the length that the packet had then.</summary>
    private static ulong Corrected(ulong packets, ulong bytes, int multiplicity, int lengthDeltaBytes)
        => (ulong)(((long)bytes * multiplicity) + ((long)packets * lengthDeltaBytes));
}
