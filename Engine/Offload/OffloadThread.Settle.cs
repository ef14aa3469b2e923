namespace Mergeflow.Engine.Offload;

/// <summary>What others wait for: that all is handled, counted, or out of use.</summary>
public sealed partial class OffloadThread
{
    /// <summary>Parts in which <see cref="OffloadOptions.UnresponsiveTimeoutMs"/> is waited: a device that was drained so often without confirming anything will not.</summary>
    private const int MaxIdleDrains = 4;

    /// <summary>
    /// Brings everything to rest on one thread: handles all that is queued, reads all counters and credits them. Call it before the clock moves
    /// and before counters are read. Rules whose removal takes device time stay Dying; what they have counted so far is credited.
    /// </summary>
    public void Settle(long nowMs)
    {
        using Visit visit = new(_gate);
        StepThrough(nowMs, WaitingTraces);
        PollAll();
    }

    /// <summary>Reads all counters now and credits them.</summary>
    public void Credit(long nowMs)
    {
        using Visit visit = new(_gate);
        _nowMs = Math.Max(_nowMs, nowMs);
        PollAll();
    }

    /// <summary>
    /// Returns when no packet uses a rule that was revoked before: at once if the device has gates, and keeps connections or no connection has changed (then
    /// the rules are removed later, by <see cref="Step"/>); otherwise it is a <see cref="AcknowledgeRemoval"/>.
    /// </summary>
    public Acknowledgement Acknowledge(long nowMs)
    {
        bool isGated = _gates is not null && (_provider.Capabilities.KeepsConnections || !ConnEventsWait);
        if (isGated) _provider.WaitForUsers();
        Acknowledgement answer = isGated ? Standing : WaitForRemoval(nowMs, credits: false);
        if (answer == Acknowledgement.DeviceSuspended) Stats.Unacknowledged++;
        return answer;
    }

    /// <summary>
    /// <see cref="Settle"/>, and waits for the device until no revoked rule is left in it. A device that does not answer meanwhile is taken out of the
    /// path until it does: then no packet uses any rule of it.
    /// </summary>
    public Acknowledgement AcknowledgeRemoval(long nowMs) => WaitForRemoval(nowMs, credits: true);

    /// <summary>The last counts of what is removed come with its removal. If <paramref name="credits"/> says so, traces are merged before, and the counts of all others are read.</summary>
    private Acknowledgement WaitForRemoval(long nowMs, bool credits)
    {
        using Visit visit = new(_gate);
        StepThrough(nowMs, credits ? WaitingTraces : 0);

        // Rules that make room for others die meanwhile; only those that were dying before are waited for, and only in a device that goes on using them.
        List<long> revoked = DyingCount == 0 || IsSuspended || _provider.Capabilities.RevokesAtOnce ? [] : [.. _registry.Rules.Where(static r => r.State == MergedFlowState.Dying).Select(static r => r.Id)];
        for (int idle = 0; revoked.Count > 0 && idle < MaxIdleDrains;)
        {
            Drain(nowMs);
            StepThrough(nowMs, credits ? WaitingTraces : 0);

            idle = revoked.RemoveAll(id => _registry.Find(id) is null) > 0 ? 0 : idle + 1;
        }

        if (revoked.Count > 0) Suspend();
        if (credits) PollAll();
        return Standing;
    }

    /// <summary>Reads and credits up to <paramref name="budget"/> rules in turn; for the aging poller. Returns how many had news.</summary>
    internal int PollCounters(int budget, long nowMs)
    {
        _gate.EnterSlice();
        try
        {
            if (IsAbandoned) return 0;
            _nowMs = Math.Max(_nowMs, nowMs);
            return _ledger.PollNext(budget, _nowMs);
        }
        catch (Exception e)
        {
            Fail(e);
            return 0;
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>Handles what is there now, and of traces so many: packet threads may go on leaving them as fast as they are merged.</summary>
    private void StepThrough(long nowMs, int traces)
    {
        _mostTraces = traces;
        try
        {
            while (StepLocked(nowMs) > 0)
            {
            }
        }
        finally
        {
            _mostTraces = int.MaxValue;
        }
    }

    private void PollAll()
    {
        if (IsAbandoned) return;
        try
        {
            _ledger.PollAll(_nowMs);
        }
        catch (Exception e)
        {
            Fail(e);
        }
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
}
