using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Pmd;
using Mergeflow.Native;
using Mergeflow.Nic;

namespace Mergeflow.Engine.Runtime;

/// <summary>
/// Checks what rules in the kernel do: hits that are copied up, as they came and as they left, are run through software without effects, and what should have left is compared, output for output. A rule that differs is revoked
/// and reported.
/// </summary>
/// <remarks>
/// The same epoch: no control operation is under way during a check, and a difference counts only while the rule is in the device and all that it was merged from is what it was then. What is on its way in other threads (a
/// learned address, the end of a connection) has time to revoke it: a difference is looked at again after <see cref="AgainAfterMs"/>, and then it has to be the same.
/// </remarks>
public sealed class ShadowCheck : IPoller, IDisposable
{
    /// <summary>How long a packet thread may be kept from its packets.</summary>
    private const int SamplesPerStep = 8;
    private const int MostInDoubt = 64;
    private const int AgainAfterMs = 100;
    private const int ReadEveryMs = 20;

    /// <summary>The same while somebody looks: most of what comes is copied then.</summary>
    private const int LookEveryMs = 2;

    /// <summary>More than headers that come or go.</summary>
    private const int CutBytes = 64;

    private readonly Datapath _datapath;
    private readonly KernelNic _kernel;
    private readonly DryRun _dry;
    private readonly List<Doubt> _taken = [];

    /// <summary>Who reads copies has this: also those who look, and want what there is now.</summary>
    private readonly Lock _reading = new();
    private readonly Queue<Doubt> _waiting = [];
    private ulong _overfull;
    private readonly Queue<(Doubt Doubt, long DueMs)> _inDoubt = [];

    internal ShadowCheck(Datapath datapath, KernelNic kernel)
    {
        (_datapath, _kernel, Capture) = (datapath, kernel, new KernelCapture(kernel));
        PmdContext pmd = datapath.Pmds[0];
        _dry = new DryRun(datapath.Pipeline, datapath.Recirc, pmd.Conntrack, pmd.Pool, pmd.Ports, pmd.HashKey, datapath.Options.VlanLimit == 1);
    }

    /// <inheritdoc/>
    public string Name => "shadow";

    /// <summary>Hits that software would have handled alike.</summary>
    public ulong Alike { get; private set; }

    /// <summary>Hits of which software is of another opinion, and nobody can say who was right: the rule was revoked meanwhile, or there was no memory.</summary>
    public ulong Undecided { get; private set; }

    /// <summary>Hits by which a rule was revoked.</summary>
    public ulong Differences { get; private set; }

    /// <summary>Hits that were to be looked at and found no room.</summary>
    public ulong Lost => _kernel.SamplesLost + _overfull;

    /// <summary>One in so many hits is looked at, and the first of each rule; 0 = none.</summary>
    public int OneIn => _kernel.ShadowOneIn;

    /// <summary>Who looks at what the kernel forwards.</summary>
    internal KernelCapture Capture { get; }

    /// <summary>Wakes the thread that steps this; null = it does not sleep.</summary>
    internal WakeLatch? Latch { get; set; }

    /// <summary>Hears of each difference, on the thread that steps this.</summary>
    public Action<ShadowDifference>? Reported { get; set; }

    /// <inheritdoc/>
    public int Step(long nowMs)
    {
        if (_kernel.SampledOneIn == 0 && _waiting.Count == 0) return 0;
        nowMs = _datapath.Clock.Of(nowMs);
        _taken.Clear();
        while (_taken.Count < SamplesPerStep && _inDoubt.TryPeek(out (Doubt Doubt, long DueMs) next) && next.DueMs <= nowMs) _taken.Add(_inDoubt.Dequeue().Doubt);
        lock (_reading)
        {
            if (_waiting.Count == 0) Read(SamplesPerStep);
            while (_taken.Count < SamplesPerStep && _waiting.TryDequeue(out Doubt? waiting)) _taken.Add(waiting);
        }

        if (_taken.Count == 0) return 0;
        CheckTaken(nowMs);
        return _taken.Count;
    }

    /// <inheritdoc/>
    public void BeforeSleep(PollSet set, long nowMs)
    {
        if (_kernel.SampledOneIn != 0 || _waiting.Count > 0) set.AtMost(Capture.IsOn ? LookEveryMs : ReadEveryMs);
    }

    /// <summary>Who looks gets all copies that have been made so far. Any thread.</summary>
    internal void ReadAll()
    {
        lock (_reading) Read(int.MaxValue);
    }

    /// <inheritdoc/>
    public void Dispose() => _dry.Dispose();

    /// <summary>Reads copies until so many wait to be checked, or there are no more.</summary>
    private void Read(int most) => _kernel.ReadSamples((rule, isFirst, sample) =>
    {
        Capture.Take(isFirst, sample);
        if (_kernel.ShadowOneIn > 0 && (isFirst || Capture.IsDrawn(_kernel.ShadowOneIn, _kernel.SampledOneIn)))
        {
            if (_waiting.Count < MostInDoubt) _waiting.Enqueue(new Doubt((long)rule, sample, null));
            else _overfull++;
        }

        return _waiting.Count < most;
    });

    /// <summary>A method of its own, so that nothing is captured where there is nothing to check.</summary>
    private void CheckTaken(long nowMs)
    {
        foreach (ShadowDifference difference in _datapath.WithoutChanges(() => Check(nowMs))) Reported?.Invoke(difference);
    }

    /// <summary>While no control operation is under way.</summary>
    private List<ShadowDifference> Check(long nowMs)
    {
        Verdict[] verdicts = new Verdict[_taken.Count];
        _datapath.Call(0, () =>
        {
            for (int i = 0; i < verdicts.Length; i++) verdicts[i] = Judge(_taken[i].Sample, nowMs);
            return 0;
        });
        List<ShadowDifference> differences = [];
        for (int i = 0; i < verdicts.Length; i++)
        {
            (string? difference, List<DryOutput>? outputs) = verdicts[i];
            Doubt d = _taken[i];
            if (difference is null) Alike++;
            else if (outputs is null || _datapath.Revalidator.IsBehind || !_datapath.Offload!.IsInUse(d.Rule)) Undecided++;
            else if (d.Difference is null && _inDoubt.Count < MostInDoubt) _inDoubt.Enqueue((d with { Difference = difference }, nowMs + AgainAfterMs));
            else if (d.Difference == difference && _datapath.Offload.RevokeDiffering(d.Rule, difference, nowMs) is { } rule)
            {
                Differences++;
                differences.Add(new ShadowDifference(rule, d.Sample, difference, [.. outputs.Select(static o => (o.Port, o.Frame))]));
            }
            else Undecided++;
        }

        return differences;
    }

    private Verdict Judge(KernelSample sample, long nowMs)
    {
        Verdict verdict = new(null, null);
        IReadOnlyList<bool> ways = _dry.IsPartial(sample.Frame, sample.LengthBytes, sample.SegmentBytes);
        if (ways.Count == 0) return new Verdict("no memory", null);
        foreach (bool isPartial in ways)
        {
            if (!_dry.Run(sample.Frame, sample.LengthBytes, sample.InPort, sample.SegmentBytes, isPartial, nowMs)) continue;
            string? difference = _dry.Effect ?? Compare(sample, _dry.Outputs);
            if (difference is null) return new Verdict(null, null);
            if (verdict.Difference is null) verdict = new Verdict(difference, [.. _dry.Outputs]);

            // Outside there may be no sum at all, and inside one that is unfinished.
            if (_dry.IsInside && _dry.Run(sample.Frame, sample.LengthBytes, sample.InPort, sample.SegmentBytes, isPartial: false, nowMs, isPartialInside: true)
                && _dry.Effect is null && Compare(sample, _dry.Outputs) is null) return new Verdict(null, null);
        }

        return verdict.Difference is null ? new Verdict("no memory", null) : verdict;
    }

    /// <summary>Null, or in what the frame that left is not the one that software would have sent.</summary>
    private static string? Compare(KernelSample sample, IReadOnlyList<DryOutput> outputs)
    {
        KernelOutput[] left = [.. sample.Outputs];
        if (outputs.Count != left.Length) return $"{left.Length} left, software sends {outputs.Count}";
        for (int i = 0; i < left.Length; i++)
        {
            if (Compare(sample, left[i], outputs[i]) is { } difference) return difference;
        }

        return null;
    }

    private static string? Compare(KernelSample sample, KernelOutput left, DryOutput wanted)
    {
        if (wanted.Port != left.Port) return $"left by port {left.Port}, software sends by port {wanted.Port}";
        if (wanted.Frame.Length != left.LengthBytes) return $"{left.LengthBytes} bytes left, software sends {wanted.Frame.Length}";

        // Of a long super-frame the end is not there.
        int known = sample.Frame.Length < sample.LengthBytes ? Math.Min(sample.Frame.Length, left.Frame.Length) - CutBytes : left.Frame.Length;
        for (int at = 0; at < known; at++)
        {
            if (left.Frame[at] == wanted.Frame[at]) continue;
            if (at - wanted.SumAt is 0 or 1 && IsSameSum(left.Frame, wanted.Frame, wanted.SumAt)) continue;
            return $"byte {at} is {left.Frame[at]:x2}, software sends {wanted.Frame[at]:x2}";
        }

        return null;
    }

    /// <summary>0 and 0xffff are the same sum, but where 0 says that there is none.</summary>
    private static bool IsSameSum(byte[] a, byte[] b, int at) => IsZeroSum(a, at) && IsZeroSum(b, at);

    private static bool IsZeroSum(byte[] frame, int at) => frame.AsSpan(at, 2) is [0, 0] or [0xff, 0xff];

    private readonly record struct Verdict(string? Difference, List<DryOutput>? Outputs);

    private sealed record Doubt(long Rule, KernelSample Sample, string? Difference);
}

/// <summary>A rule in the kernel did something else than software.</summary>
/// <param name="Rule">The rule, which is revoked.</param>
/// <param name="Sample">What came, and what left.</param>
/// <param name="Difference">One line.</param>
/// <param name="Software">What software would have sent: port and frame.</param>
public sealed record ShadowDifference(MergedFlow Rule, KernelSample Sample, string Difference, IReadOnlyList<(uint Port, byte[] Frame)> Software);
