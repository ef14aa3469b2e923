using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using Mergeflow.Native;
using Mergeflow.Nic;

namespace Mergeflow.Perf;

/// <summary>Rules in the kernel's table and frames by BPF_PROG_TEST_RUN. Times of rules are processor time of the thread, the least of several rounds.</summary>
internal static class KernelRun
{
    public const int MaxRules = 131_071;

    private const int Loopback = 1, Rounds = 5, RunsPerBurst = 100_000, Bursts = 20, BatchCount = 1024, Interrupted = 4, FrameBytes = 60;
    private const int SourceAt = 26, SumAt = 24, HeaderAt = 14, HeaderBytes = 20;
    private const byte Gate = 7;

    /// <summary>Install, read, invalidate, remove.</summary>
    public static IEnumerable<string> Rules(int count, CancellationToken interrupted)
    {
        using KernelNic nic = New(BpfAttachPoint.Xdp, count);
        NicHandle[] handles = new NicHandle[count];
        NicCompletion[] done = new NicCompletion[BatchCount];
        double ask = double.MaxValue, install = double.MaxValue, read = double.MaxValue, invalidate = double.MaxValue, remove = double.MaxValue;
        FlowRule[] rules = [.. Enumerable.Range(0, count).Select(static i => RuleOf((uint)i))];
        for (int round = 0; round < Rounds; round++)
        {
            interrupted.ThrowIfCancellationRequested();
            (double asked, double installed) = Batches(count, i => nic.EnqueueCreate(rules[i], (ulong)i, 1, Gate, out handles[i]), () => nic.Poll(done, 2));
            if (nic.RuleCount != count) throw new InvalidOperationException($"{nic.RuleCount} of {count} rules are there");
            (ask, install) = (Math.Min(ask, asked), Math.Min(install, installed));
            for (int twice = 0; twice < 2; twice++) read = Math.Min(read, Batches(count, i => nic.Query(handles[i], 3, out _), static () => 0).First);
            (double killed, double removed) = Batches(count, i => nic.EnqueueDestroy(handles[i], (ulong)i, 4), () => nic.Poll(done, 5));
            (invalidate, remove) = (Math.Min(invalidate, killed), Math.Min(remove, removed));
        }

        yield return Line($"{count:N0} rules, ns per rule, least of {Rounds}: put together {ask:F0}, install {install:F0}, read its counters {read:F1}, invalidate {invalidate:F0}, harvest and remove {remove:F0}");
        yield return Line($"reading {count:N0} counters once a second: {read * count / 1e7:F2} % of one processor");
    }

    /// <summary>The program: a hit in the only one of 1 and in the last of 16 masks, with exact counters.</summary>
    public static IEnumerable<string> Frames(CancellationToken interrupted)
    {
        foreach (BpfAttachPoint place in new[] { BpfAttachPoint.Xdp, BpfAttachPoint.TcxIngress })
        {
            double[] ns = [.. new[] { 1, 16 }.Select(masks => Hit(place, masks, interrupted))];
            yield return Line($"{(place == BpfAttachPoint.Xdp ? "XDP" : "tc")}, 1,000 rules, SNAT, ns per hit, least of {Bursts} x {RunsPerBurst:N0}: 1 mask {ns[0]:F0}, the last of 16 {ns[1]:F0}, a further mask {(ns[1] - ns[0]) / 15:F1}");
        }
    }

    /// <summary>All rules of a gate are revoked while another processor runs the program on their frames as fast as it can.</summary>
    public static string Revocations(int count, int rounds, CancellationToken interrupted)
    {
        using KernelNic nic = New(BpfAttachPoint.Xdp, count);
        NicHandle[] handles = Install(nic, count);
        bool end = false;
        long runs = 0;
        Thread traffic = new(() =>
        {
            byte[] frame = FrameOf(0), output = new byte[100];
            for (uint i = 0; !Volatile.Read(ref end); i = (i + 1) % (uint)count)
            {
                WriteSource(frame, i);
                try
                {
                    nic.TestRun(frame, output, repeat: 256);
                }
                catch (BpfException e) when (e.Errno == Interrupted)
                {
                    // A signal of the runtime: some of the runs have been.
                }

                Interlocked.Add(ref runs, 256);
            }
        });
        traffic.Start();
        double[] us = new double[rounds];
        ulong usedAfter = 0;
        for (int i = 0; i < rounds && !interrupted.IsCancellationRequested; i++)
        {
            for (long before = Volatile.Read(ref runs); Volatile.Read(ref runs) == before;) Thread.SpinWait(50);
            long begin = Stopwatch.GetTimestamp();
            nic.SetGate(Gate, isOpen: false);
            nic.WaitForUsers();
            us[i] = Stopwatch.GetElapsedTime(begin).TotalMicroseconds;
            ulong acknowledged = Sum(nic, handles);
            for (long before = Volatile.Read(ref runs); Volatile.Read(ref runs) < before + 512;) Thread.SpinWait(50);
            usedAfter += Sum(nic, handles) - acknowledged;
            nic.SetGate(Gate, isOpen: true);
        }

        end = true;
        traffic.Join();
        Array.Sort(us);
        return Line($"{count:N0} rules revoked at once beside {runs:N0} runs, us until acknowledged ({rounds:N0} times): {KernelCommand.Percentiles(us)}; frames by a revoked rule behind it: {usedAfter}");
    }

    /// <summary>What processors pay that hit one rule at the same time: its counters are one line of memory. Beside it, in turns, processors that hit a rule each: what counters for each processor (stripes) could save.</summary>
    public static string Shared(BpfAttachPoint place, CancellationToken interrupted)
    {
        int processors = Environment.ProcessorCount;
        using KernelNic nic = New(place, 1100);
        Install(nic, 1000);
        List<double>[] ns = [[], []];
        for (int i = 0; i < Bursts && !interrupted.IsCancellationRequested; i++)
        {
            for (uint apart = 0; apart < 2; apart++) ns[apart].Add(AtOnce(nic, processors, apart * 16));
        }

        double own = Hit(place, 1, interrupted);
        return Line($"{(place == BpfAttachPoint.Xdp ? "XDP" : "tc")}, {processors} processors at once, ns per hit, median and least of {Bursts}: of one rule {Median(ns[0]):F0}, {ns[0].Min():F0}; of a rule each {Median(ns[1]):F0}, {ns[1].Min():F0}; one processor alone {own:F0}");
    }

    /// <summary>Each processor has the program run on frames of its own rule, <paramref name="distance"/> rules from the next one's (0: the same); the mean time of a run.</summary>
    private static double AtOnce(KernelNic nic, int processors, uint distance)
    {
        double[] ns = new double[processors];
        using Barrier begin = new(processors);
        Thread[] threads = [.. Enumerable.Range(0, processors).Select(i => new Thread(() =>
        {
            byte[] frame = FrameOf((uint)i * distance), output = new byte[100];
            begin.SignalAndWait();
            ns[i] = nic.TestRun(frame, output, repeat: RunsPerBurst).NsPerRun;
        }))];
        foreach (Thread t in threads) t.Start();
        foreach (Thread t in threads) t.Join();
        return ns.Average();
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static double Hit(BpfAttachPoint place, int masks, CancellationToken interrupted)
    {
        using KernelNic nic = New(place, 1100);
        NicCompletion[] done = new NicCompletion[1100];
        for (int i = 1; i < masks; i++)
        {
            FlowItem[] other = [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4 { Dst = new(0x0c000000, uint.MaxValue << i) }, new FlowItemUdp()];
            nic.EnqueueCreate(new FlowRule(new FlowAttr(1, FlowTable.ExactMatch), other, [new FlowActionDrop()]), 0, 1, out _);
            nic.Poll(done, 1);
        }

        Install(nic, 1000);
        byte[] frame = FrameOf(0), output = new byte[100];
        double least = double.MaxValue;
        for (int i = 0; i < Bursts && !interrupted.IsCancellationRequested; i++) least = Math.Min(least, nic.TestRun(frame, output, repeat: RunsPerBurst).NsPerRun);
        return least;
    }

    private static KernelNic New(BpfAttachPoint place, int rules)
    {
        KernelNic nic = new(NicProfile.Load("kernel") with { ExactMatchEntries = Math.Max(rules, 15), QueueDepth = rules + 16 }, place, seed: 9);
        nic.AddPort(new KernelPortOptions { Number = 1, Interface = Loopback, MtuBytes = 1500 });
        nic.AddPort(new KernelPortOptions { Number = 2, Interface = 1000, MtuBytes = 1500 });
        return nic;
    }

    private static NicHandle[] Install(KernelNic nic, int count)
    {
        NicHandle[] handles = new NicHandle[count];
        NicCompletion[] done = new NicCompletion[count];
        for (int i = 0; i < count; i++) nic.EnqueueCreate(RuleOf((uint)i), (ulong)i, 1, Gate, out handles[i]);
        nic.Poll(done, 1);
        return handles;
    }

    private static ulong Sum(KernelNic nic, NicHandle[] handles)
    {
        ulong sum = 0;
        foreach (NicHandle h in handles)
        {
            nic.Query(h, 1, out NicCounters c);
            sum += c.Hits;
        }

        return sum;
    }

    /// <summary>A translated connection: exact addresses and ports, source and TTL are written. The source port is made of the same number, so that translating twice finds the same rule.</summary>
    private static FlowRule RuleOf(uint i) => new(
        new FlowAttr(1, FlowTable.ExactMatch),
        [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4 { Src = 0x0b000000 + i, Dst = 0x0a000002, Proto = 17 }, new FlowItemUdp { Src = 1000, Dst = 2000 }],
        [new FlowActionCount(), new FlowActionSetIpv4Src(0x0b000000 + i), new FlowActionSetTpSrc(1000), new FlowActionSetMacDst(0x0200_0000_0001), new FlowActionPort(2)]);

    private static byte[] FrameOf(uint i)
    {
        byte[] frame = new byte[FrameBytes];
        ReadOnlySpan<byte> ip = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0, 0, 11, 0, 0, 0, 10, 0, 0, 2, 3, 0xe8, 7, 0xd0, 0, 26];
        ip.CopyTo(frame);
        WriteSource(frame, i);
        return frame;
    }

    private static void WriteSource(byte[] frame, uint i)
    {
        BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(SourceAt), 0x0b000000 + i);
        frame[SumAt] = frame[SumAt + 1] = 0;
        ushort sum = InternetChecksum.Compute(frame.AsSpan(HeaderAt, HeaderBytes));
        BitConverter.TryWriteBytes(frame.AsSpan(SumAt), sum);
    }

    /// <summary>Asks for so many, as many at a time as a queue may hold, and has each batch done: ns per item of both.</summary>
    private static (double First, double Then) Batches(int count, Action<int> first, Func<int> then)
    {
        long asked = 0, done = 0;
        for (int from = 0; from < count; from += BatchCount)
        {
            long begin = ThreadTime.RunNs() ?? 0;
            for (int i = from; i < Math.Min(from + BatchCount, count); i++) first(i);
            long middle = ThreadTime.RunNs() ?? 0;
            then();
            asked += middle - begin;
            done += (ThreadTime.RunNs() ?? 0) - middle;
        }

        return (asked / (double)count, done / (double)count);
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
