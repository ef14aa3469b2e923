using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Engine.Xlate;
using Mergeflow.Native;

namespace Mergeflow.Engine.Upcall;

/// <summary>
/// Keeps the megaflows of all packet threads true (OVS revalidator), and lets go of what has had its time in the tables: rules, learned addresses,
/// recirculation ids.
/// </summary>
/// <param name="pipeline">The tables; those of the other bridges of its datapath are meant as well.</param>
/// <param name="recircs">Recirculation ids.</param>
/// <param name="tables">One for the megaflows of each packet thread.</param>
/// <param name="onEach">Does something with each of them, on the thread that owns it, and adds up the results; null = here.</param>
public sealed class Revalidator(OfPipeline pipeline, RecircStore recircs, IReadOnlyList<MegaflowRevalidator> tables, Func<Func<MegaflowRevalidator, int>, int>? onEach = null) : IPoller
{
    private const int SlicePerStep = 4096;

    private readonly MegaflowRevalidator[] _tables = [.. tables];
    private readonly Func<Func<MegaflowRevalidator, int>, int> _onEach = onEach ?? (work => tables.Sum(t => Slice.Finish(() => work(t))));

    /// <summary>What the times of steps are taken by.</summary>
    public SteadyClock Clock { get; init; } = new();

    /// <summary>Credits what the offload device has counted up to a time, ms; null = there is none.</summary>
    public Action<long>? ReadDevice
    {
        get => _tables[0].ReadDevice;
        set
        {
            foreach (MegaflowRevalidator t in _tables) t.ReadDevice = value;
        }
    }

    /// <inheritdoc/>
    public string Name => "revalidator";

    /// <summary>Megaflows deleted so far, by cause.</summary>
    public RevalidatorStats Stats => _tables.Aggregate(default(RevalidatorStats), static (sum, t) => new(sum.Idle + t.Stats.Idle, sum.Changed + t.Stats.Changed));

    /// <summary>The tables, or what <c>normal</c> has learned, have changed since megaflows were translated.</summary>
    public bool IsBehind => _onEach(static t => t.IsBehind ? 1 : 0) > 0;

    /// <summary>
    /// A slice: megaflows as <see cref="MegaflowRevalidator.Step"/> has them, and when all have reported, rules whose time is up: their megaflows are translated
    /// again in the steps after it.
    /// </summary>
    public int Step(long nowMs)
    {
        nowMs = Clock.Of(nowMs);
        ForgetAged(nowMs);
        if (recircs.HasIdle) recircs.Sweep(nowMs, SlicePerStep);
        int work = 0;
        bool hasSwept = false;
        foreach (MegaflowRevalidator t in _tables)
        {
            work += t.Step(nowMs, SlicePerStep, out bool swept);
            hasSwept |= swept;
        }

        return hasSwept ? work + ExpireRules(nowMs) : work;
    }

    /// <summary>
    /// The same all at once, for a clock that moves in leaps: whatever is due by now has been pushed, is gone and, as far as megaflows depended on it, translated
    /// again.
    /// </summary>
    public void ExpireAll(long nowMs)
    {
        // Rules are idle by what megaflows have reported, so these come first.
        foreach (MegaflowRevalidator t in _tables) t.SweepIfDue(nowMs, Slice.Whole);
        bool anyRule = ExpireRules(nowMs) > 0, anyAddress = ForgetAged(nowMs);
        if (anyRule) RevalidateAll(nowMs);
        else if (anyAddress) RevalidateLearned(nowMs);
        recircs.Sweep(nowMs);
    }

    /// <inheritdoc cref="MegaflowRevalidator.RevalidateAll"/>
    public int RevalidateAll(long nowMs) => _onEach(t => t.RevalidateAll(nowMs));

    /// <summary>The same, if anything has changed since the last time; false if not. Asks each packet thread once, where control is in slices.</summary>
    public bool CatchUp(long nowMs)
    {
        if (_tables[0].IsSliced) return _onEach(t => t.IsBehind && t.RevalidateAll(nowMs) >= 0 ? 1 : 0) > 0;
        if (!IsBehind) return false;
        RevalidateAll(nowMs);
        return true;
    }

    /// <inheritdoc cref="MegaflowRevalidator.EndDoubts"/>
    public void EndDoubts(long nowMs) => _onEach(t => t.EndDoubts(nowMs));

    /// <inheritdoc cref="MegaflowRevalidator.RevalidateLearned"/>
    public int RevalidateLearned(long nowMs) => _onEach(t => t.IsBehind ? t.RevalidateLearned(nowMs) : 0);

    /// <inheritdoc cref="MegaflowRevalidator.Purge"/>
    public void Purge(long nowMs) => _onEach(t => t.Purge(nowMs));

    /// <summary>
    /// Pushes all counters to the OpenFlow rules, and what <c>normal</c> learns from the packets; megaflows look again if an address has moved
    /// since the last time. True if megaflows went.
    /// </summary>
    public bool Settle(long nowMs)
    {
        // In slices nothing is translated here, and each packet thread is asked once.
        if (_tables[0].IsSliced) return _onEach(t => t.PushAll(nowMs)) > 0;
        bool anyLost = IsBehind;

        // What is learned below is looked at next time: the round in which Open vSwitch learns from statistics is not the one that it wakes.
        if (anyLost) _onEach(t => t.IsBehind ? t.RevalidateLearned(nowMs) : 0);
        return _onEach(t => t.PushAll(nowMs)) > 0 || anyLost;
    }

    /// <summary>The timeout of a rule of some bridge may have passed.</summary>
    public bool IsRuleDue(long nowMs) => IsAnyDue(nowMs, looksAgain: false);

    /// <summary>What is due beside megaflows, for packet threads that look after these themselves: rules, learned addresses, recirculation ids.</summary>
    public int ExpireShared(long nowMs)
    {
        ForgetAged(nowMs);
        if (recircs.HasIdle) recircs.Sweep(nowMs, SlicePerStep);
        return ExpireRules(nowMs);
    }

    /// <inheritdoc cref="MegaflowRevalidator.Unpushed"/>
    public BookTotals Unpushed() => _tables.Aggregate(default(BookTotals), static (sum, t) => sum + t.Unpushed());

    /// <summary>
    /// Removes OpenFlow rules whose idle or hard timeout has passed; returns how many, then megaflows have to be translated again. A rule is idle since the last
    /// packet that went through it, be it reported or not: before one goes, its megaflows are asked, and the device if that does not help.
    /// </summary>
    private int ExpireRules(long nowMs)
    {
        if (!IsRuleDue(nowMs)) return 0;
        ReportUse(nowMs);
        if (!IsAnyDue(nowMs, looksAgain: true)) return 0;
        if (ReadDevice is { } read)
        {
            read(nowMs);
            ReportUse(nowMs);
        }

        int expired = 0;
        foreach (OfPipeline bridge in pipeline.Backer.Pipelines) expired += bridge.Expire(nowMs);
        return expired;
    }

    private bool ForgetAged(long nowMs)
    {
        bool any = false;
        foreach (OfPipeline bridge in pipeline.Backer.Pipelines) any |= bridge.ForgetAged(nowMs);
        return any;
    }

    private bool IsAnyDue(long nowMs, bool looksAgain)
    {
        bool any = false;
        foreach (OfPipeline bridge in pipeline.Backer.Pipelines) any |= looksAgain ? bridge.IsDueStill(nowMs) : bridge.HasDue(nowMs);
        return any;
    }

    private void ReportUse(long nowMs) => _onEach(t => t.ReportUse(nowMs));
}
