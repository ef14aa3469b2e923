using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>When the device does not answer, or this thread fails: rules are taken out of the path, and software forwards everything until they can be trusted again.</summary>
public sealed partial class OffloadThread
{
    private long _answeredAtMs = long.MinValue;
    private long _failedAtMs = long.MinValue;
    private int _failuresInARow;
    private bool _isRestarting;

    /// <summary>The device is out of the path: no packet uses a rule.</summary>
    public bool IsSuspended { get; private set; }

    /// <summary>This thread has failed too often: the datapath goes on without offload.</summary>
    public bool IsAbandoned { get; private set; }

    /// <summary>The latest failure of this thread; null = none.</summary>
    public PollerFailure? LastFailure { get; private set; }

    private Acknowledgement Standing => IsSuspended ? Acknowledgement.DeviceSuspended : Acknowledgement.Done;

    private void Suspend()
    {
        if (IsSuspended) return;
        _provider.Suspend();
        IsSuspended = true;
        Report.NoteSuspend();
    }

    /// <summary>Back into the path once nothing is left in the device that was revoked; after a failure, once nothing is left at all.</summary>
    private void ResumeIfClean()
    {
        if ((_isRestarting ? _registry.Count + _provider.RuleCount : DyingCount) > 0) return;
        _provider.Resume();
        IsSuspended = _isRestarting = false;
        Report.NoteResume();
    }

    /// <summary>A device that goes on using revoked rules has carried nothing out for a long time although it is asked to.</summary>
    private bool IsStalled()
        => !IsSuspended && !_provider.Capabilities.RevokesAtOnce && DyingCount > 0 && IsLongAgo(_answeredAtMs)
        && _registry.Any(r => r.State == MergedFlowState.Dying && IsLongAgo(r.Timeline.DyingAtMs));

    private bool IsLongAgo(long atMs) => atMs == long.MinValue || _nowMs - atMs >= _options.StallTimeoutMs;

    /// <summary>
    /// Something was thrown. Half a change may have been made, so no rule is trusted any more: the device leaves the path, every rule is revoked, and
    /// when all are gone it comes back. What fails again and again is left alone: the datapath goes on without offload.
    /// </summary>
    private void Fail(Exception e)
    {
        Stats.Failures++;
        _failuresInARow = _failedAtMs != long.MinValue && _nowMs - _failedAtMs < _options.FailureMemoryMs ? _failuresInARow + 1 : 1;
        _failedAtMs = _nowMs;
        bool ends = _failuresInARow > _options.MaxRestarts;
        LastFailure = new PollerFailure(TelemetryId, Name, e, ends ? "goes on without merged rules" : "begins again without merged rules");
        try
        {
            Suspend();
            _isRestarting = true;
            _draft = new MergedFlow();
            if (!ends) KillAll();
        }
        catch (Exception again)
        {
            ends = true;
            LastFailure = LastFailure with { Consequence = $"goes on without merged rules, as beginning again failed too: {again.Message}" };
        }

        if (ends) Abandon();
        PollerFailures.Report(LastFailure);
    }

    /// <summary>Lets go of all that rules hold, as far as it can be reached; what they have counted and nobody has read is lost.</summary>
    private void Abandon()
    {
        IsAbandoned = true;
        IsSuspended = true;
        _registry.Abandon((r, e) => LastFailure = LastFailure! with { Consequence = $"{LastFailure.Consequence}; rule {r.Id} keeps what it holds: {e.Message}" });
        _revocations.Clear();
    }
}
