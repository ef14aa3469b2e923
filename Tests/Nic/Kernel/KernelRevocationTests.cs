using System.Diagnostics;
using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// The real program runs on one thread, as fast as the kernel lets it, while another revokes, harvests and installs its rule. What the rule does not take, a rule behind it takes: each run is counted once.
/// </summary>
public sealed class KernelRevocationTests(ITestOutputHelper output)
{
    private const int RunsPerCall = 20_000;

    /// <summary>How long counts are looked for: 2 s, more by <c>MERGEFLOW_KERNEL_SECONDS</c>.</summary>
    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(double.TryParse(Environment.GetEnvironmentVariable("MERGEFLOW_KERNEL_SECONDS"), out double s) && s > 0 ? s : 2);

    [Fact]
    public void No_count_is_lost_when_a_rule_is_revoked_and_installed_again()
    {
        using Bench bench = new(waits: true);
        (long runs, long counted, long cycles) = bench.Play(s_time, untilLost: false);
        output.WriteLine($"{cycles} cycles beside {runs} runs");
        Assert.Equal(runs, counted);
        Assert.InRange(cycles, 1000, long.MaxValue);
    }

    /// <summary>The control: the same without the wait loses counts, and the sum tells.</summary>
    [Fact]
    public void A_harvest_that_does_not_wait_is_caught()
    {
        if (Environment.ProcessorCount < 2) Assert.Skip("needs two processors");
        using Bench bench = new(waits: false);
        (long runs, long counted, long cycles) = bench.Play(TimeSpan.FromSeconds(60), untilLost: true);
        output.WriteLine($"{cycles} cycles beside {runs} runs, {runs - counted} lost");
        Assert.NotEqual(runs, counted);
    }

    private sealed class Bench : IDisposable
    {
        private readonly KernelMemory _memory;
        private readonly KernelTable _table;
        private readonly KernelTemplate _first, _behind;
        private readonly CompiledRule _rule, _last;
        private readonly KernelActions _actions;
        private readonly BpfProgram _program;
        private readonly uint _lastSlot;
        private uint _turn;

        public Bench(bool waits)
        {
            if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Assert.Skip("needs root: bpf(2)");
            _memory = new KernelMemory(15);
            _table = waits ? _memory.NewTable() : _memory.NewTable(0);
            _table.SetMatching(true);
            BitConverter.TryWriteBytes(_memory.Control.Span[(KernelLayout.Devices + 8)..], 1);
            (_rule, _actions) = Compile(new FlowItemUdp { Src = 1000 });
            (_last, _) = Compile(new FlowItemUdp());
            _first = new KernelTemplate(ref _rule.Mask, FlowTable.ExactMatch, 1);
            _behind = new KernelTemplate(ref _last.Mask, FlowTable.Wildcard, 2);
            _lastSlot = _table.Insert(_behind, ref _last.Value, _actions, 0, out _);
            _program = BpfProgram.Load(BpfProgramType.Xdp, KernelProgram.Write(_memory, [_first, _behind]), "revocation");
        }

        public (long Runs, long Counted, long Cycles) Play(TimeSpan time, bool untilLost)
        {
            byte[] frame = NicFrame.UdpIpv4();
            long calls = 0, cycles = 0, harvested = 0;
            bool end = false;
            for (long start = Stopwatch.GetTimestamp(); ;)
            {
                Volatile.Write(ref end, false);
                Thread runner = new(() =>
                {
                    byte[] result = new byte[100];
                    while (!Volatile.Read(ref end))
                    {
                        _program.TestRun(frame, result, repeat: RunsPerCall);
                        calls++;
                    }
                });
                runner.Start();
                for (long slice = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(slice).TotalMilliseconds < 200; cycles += 100)
                {
                    for (int i = 0; i < 100; i++) harvested += Cycle();
                }

                Volatile.Write(ref end, true);
                runner.Join();
                _table.Read(_lastSlot, out ulong rest, out _, out _);
                long runs = calls * RunsPerCall, counted = harvested + (long)rest;
                if (Stopwatch.GetElapsedTime(start) > time || (untilLost && runs != counted)) return (runs, counted, cycles);
            }
        }

        public void Dispose()
        {
            _program.Dispose();
            _memory.Dispose();
        }

        private long Cycle()
        {
            uint slot = _table.Insert(_first, ref _rule.Value, _actions, 0, out _);
            if (slot == 0) throw new InvalidOperationException("no room");

            // Most rules live for a moment, some long enough for several runs.
            if ((++_turn & 7) == 0) Thread.SpinWait(20);
            _table.Kill(slot);
            _table.Quiesce();
            _table.Read(slot, out ulong packets, out _, out _);
            _table.Remove(slot, _first.HashOf(ref _rule.Value));
            return (long)packets;
        }

        private static (CompiledRule Rule, KernelActions Actions) Compile(FlowItemUdp udp)
        {
            FlowRule rule = new(new FlowAttr(null, FlowTable.ExactMatch), [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4(), udp], [new FlowActionCount(), new FlowActionDrop()]);
            Assert.Null(FlowRuleCompiler.TryCompile(NicProfile.Load("kernel"), rule, out CompiledRule? compiled));
            Assert.Null(KernelActions.TryCompile(compiled!, out KernelActions? actions));
            return (compiled!, actions!);
        }
    }
}
