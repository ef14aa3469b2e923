using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>What <c>mergeflow switch</c> and <c>--live</c> refuse: one line, the right exit code, and nothing is left behind. No rights are needed for that.</summary>
public sealed class SwitchUsageTests
{
    [Theory]
    [InlineData("switch", "--port is required")]
    [InlineData("switch --port x", "'x' is not NAME=N")]
    [InlineData("switch --port x=0", "port number 0 is not in 1..")]
    [InlineData("switch --port x=1 --port x=2", "port name 'x' occurs twice")]
    [InlineData("switch --port x=1 --port y=1", "port number 1 occurs twice")]
    [InlineData("switch --port x=1,type=carrier-pigeon", "type 'carrier-pigeon' is none of system, tap, internal, patch, pcap, vxlan, geneve, gre")]
    [InlineData("switch --port x=1,colour=red", "a system port has no option 'colour'")]
    [InlineData("switch --port x=1,type=vxlan", "tunnel option addr is missing")]
    [InlineData("switch --port x=1,type=vxlan,dev=br0", "dev needs remote_ip=ADDRESS")]
    [InlineData("switch --port x=1,type=vxlan,dev=br0,remote_ip=flow,out=2", "out=2 is no port that frames can leave on")]
    [InlineData("switch --port x=1,type=vxlan,dev=br0,remote_ip=192.0.2.2,out=y", "y: there is no such port")]
    [InlineData("switch --port x=1,type=vxlan,dev=br0,remote_ip=192.0.2.2,out=2", "out=2 is no port that frames can leave on")]
    [InlineData("switch --port x=1,type=gre,dev=br0,remote_ip=192.0.2.2,mac=02:00:00:00:00:01,out=y --port y=2", "mac and dev exclude each other")]
    [InlineData("switch --port x=1,type=geneve,dev=br0,remote_ip=192.0.2.2,colour=red,out=y --port y=2", "unknown tunnel option")]
    [InlineData("switch --port x=1,type=pcap", "a pcap port needs rx=FILE or tx=FILE")]
    [InlineData("switch --port x=1,type=pcap,rx=a,queues=2", "a pcap port has no option 'queues'")]
    [InlineData("switch --port x=1,type=patch", "a patch port needs peer=NAME")]
    [InlineData("switch --port x=1,type=patch,peer=x", "peer=x is no patch port that names x")]
    [InlineData("switch --port x=1,type=patch,peer=y --port y=2", "peer=y is no patch port that names x")]
    [InlineData("switch --port x=1,type=patch,peer=y --port y=2,type=patch,peer=z", "peer=y is no patch port that names x")]
    [InlineData("switch --port x=1,type=patch,peer=y,queues=2 --port y=2,type=patch,peer=x", "a patch port has no option 'queues'")]
    [InlineData("switch --port x=1,queues=0", "expected 1 to 64")]
    [InlineData("switch --port x=1,datapath=smoke", "datapath=smoke is none of tc, clsact, packet, xdp")]
    [InlineData("switch --port x=1,type=tap,datapath=tc", "a tap port has no option 'datapath'")]
    [InlineData("switch --port x=1,queues", "is not OPTION=VALUE")]
    [InlineData("switch --port x=1,queues=1,queues=2", "has queues twice")]
    [InlineData("switch --port x=1 --pmd-cpus one", "'one' is no processor")]
    [InlineData("switch --port x=1 --pmd-cpus 1,1", "processor 1 occurs twice")]
    [InlineData("switch --port x=1 --handlers 65", "--handlers: expected 0 to 64")]
    [InlineData("switch --port x=1 --profile tiny", "--profile needs --offload nic")]
    [InlineData("switch --port x=1 --offload gpu", "gpu")]
    [InlineData("dump-flows --live --case x", "--live and --case exclude each other")]
    [InlineData("dump-flows --live --until 3", "--live and --until exclude each other")]
    [InlineData("dump-flows --live --metrics 9999", "--live and --metrics exclude each other")]
    [InlineData("replay --live x", "--live")]
    [InlineData("add-flows", "FILE")]
    [InlineData("mod-port p1 sideways", "sideways")]
    public void Wrong_arguments_are_refused(string line, string expected)
    {
        CliRun run = CliRun.Of(line.Split(' '));
        Assert.Equal(ExitCode.Usage, run.ExitCode);
        Assert.Contains(expected, run.ErrorLine, StringComparison.Ordinal);
        Assert.Empty(run.Output);
    }

    [Fact]
    public void A_device_in_the_kernel_without_the_right_to_have_one_is_a_missing_feature()
    {
        if (Environment.IsPrivilegedProcess) Assert.Skip("root has the right");
        CliRun run = CliRun.Of("switch", "--port", "x=1", "--offload", "kernel");
        Assert.Equal(ExitCode.MissingFeature, run.ExitCode);
        Assert.Contains("--offload kernel", run.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_there_is_no_switch_a_command_says_so()
    {
        using TemporaryFolder folder = new();
        CliRun run = CliRun.Of("dump-flows", "--live", folder["s"]);
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains("there is no switch", run.ErrorLine, StringComparison.Ordinal);
    }

    [Fact]
    public void A_port_that_cannot_be_opened_leaves_nothing_behind()
    {
        using TemporaryFolder folder = new();
        CliRun run = CliRun.Of("switch", "--port", "nosuchdevice=1", "--socket", folder["s"], "--pidfile", folder["pid"]);
        Assert.Equal(ExitCode.Failed, run.ExitCode);
        Assert.Contains("nosuchdevice", run.ErrorLine, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void A_rule_that_is_wrong_is_found_before_anything_is_opened()
    {
        using TemporaryFolder folder = new();
        CliRun run = CliRun.Of("switch", "--port", "nosuchdevice=1", "--socket", folder["s"], "--flows", folder.Write("f.txt", "actions=normal\nnonsense\n"));
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains("f.txt line 2", run.ErrorLine, StringComparison.Ordinal);
        Assert.Equal(["f.txt"], folder.Names);
    }
}
