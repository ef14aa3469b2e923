using System.Runtime.InteropServices;
using Mergeflow.Cli;
using Mergeflow.Native;
using Mergeflow.Nic;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What the command line says of a device that does not answer, of a thread that fails, and of a processor that it is not made for.</summary>
public sealed class TroubleTests
{
    private const string Events =
        """
        {"i":0,"t":1,"op":"pkt","port":1,"hex":"$"}
        {"i":1,"t":1,"op":"pkt","port":1,"hex":"$"}
        {"i":2,"t":6,"op":"pkt","port":1,"hex":"$"}
        {"i":3,"t":6,"op":"flow_mods","lines":["modify in_port=1,udp actions=output:3"]}
        {"i":4,"t":6,"op":"pkt","port":1,"hex":"$"}
        """;

    [Fact]
    public void A_change_that_the_device_does_not_confirm_is_said_and_holds()
    {
        (string output, List<string> warnings, SimulatorReport report) = Replay(a => a with { Offload = OffloadMode.Nic, Faults = new FaultPlan { Stalls = [new FaultWindow(5, 600_000)] } });
        Assert.Equal("events.jsonl line 4: the device does not confirm the change; it is out of the path until it does", Assert.Single(warnings));
        Assert.Contains("{\"i\":4,\"out\":[[3,", output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Ok, ExitCode.Of(report));
    }

    [Fact]
    public void A_failed_offload_thread_is_said_and_is_an_exit_code()
    {
        (string output, List<string> warnings, SimulatorReport report) = Replay(static a => a with { Offload = OffloadMode.Soft, Admission = new ThrowingPolicy() });
        Assert.Equal("offload thread: InvalidOperationException: no opinion; it begins again without merged rules", warnings[0]);
        Assert.Contains("{\"i\":2,\"out\":[[2,", output, StringComparison.Ordinal);
        Assert.Contains("{\"i\":4,\"out\":[[3,", output, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, ExitCode.Of(report));
    }

    [Theory]
    [InlineData(Architecture.Arm64)]
    [InlineData(Architecture.X86)]
    [InlineData(Architecture.RiscV64)]
    public void Another_processor_is_refused_in_one_line(Architecture architecture)
    {
        string expected = $"this processor is {architecture}: the protocols between threads are right on x86-64 only";
        Assert.Equal(expected, ProcessorSupport.Refusal(architecture));
        using StringWriter output = new(), error = new();
        Assert.Equal(ExitCode.MissingFeature, App.Run(["replay"], output, error, architecture, TestContext.Current.CancellationToken));
        Assert.Equal($"{{\"error\":\"{expected}\",\"line\":0}}{Environment.NewLine}", error.ToString());
        error.GetStringBuilder().Clear();
        Assert.Equal(PerfExitCode.MissingFeature, PerfApp.Run([], output, error, architecture, TestContext.Current.CancellationToken));
        Assert.Equal($"run-perf: {expected}{Environment.NewLine}", error.ToString());
        Assert.Empty(output.ToString());
    }

    [Fact]
    public void This_processor_is_not_refused() => Assert.Null(ProcessorSupport.Refusal(Architecture.X64));

    private static (string Output, List<string> Warnings, SimulatorReport Report) Replay(Func<ReplayArguments, ReplayArguments> with)
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "in_port=1,udp actions=output:2");
        string events = folder.Write("events.jsonl", Events.Replace("$", Convert.ToHexStringLower(NicFrame.UdpIpv4()), StringComparison.Ordinal));
        List<string> warnings = [];
        using MemoryStream output = new();
        SimulatorReport report = ReplaySession.Run(
            with(new ReplayArguments
            {
                FlowsPath = flows,
                InputPath = events,
                Config = new CaseConfig(),
                Ports = [("p1", 1), ("p2", 2), ("p3", 3)],
                Warn = warnings.Add,
            }),
            output,
            TestContext.Current.CancellationToken);
        return (System.Text.Encoding.UTF8.GetString(output.ToArray()), warnings, report);
    }

    private sealed class ThrowingPolicy : IAdmissionPolicy
    {
        public string Name => "throwing";

        public int RecordAfterPackets => 1;

        public bool ShouldAdmit(MergedFlow rule, int ruleCount, int capacity) => throw new InvalidOperationException("no opinion");

        public MergedFlow? ChooseVictim(IReadOnlyList<MergedFlow> rules, MergedFlow newcomer, long nowMs) => null;
    }
}
