using System.IO.Compression;
using System.Text;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The forms that input and output can take.</summary>
public sealed class ReplayFormTests
{
    private const string Flows = "in_port=1 actions=output:2\n";
    private const string Frame = "0200000000010200000000020806000100080604000102000000000200000000000000000000000a000001";

    [Fact]
    public void Files_and_a_case_directory_give_the_same_output()
    {
        using TemporaryFolder folder = new();
        string directory = CaseFiles.Load("groups").Directory;
        Assert.Equal(ExitCode.Ok, CliRun.Of("replay", "--case", directory, "--out", folder["a.jsonl"]).ExitCode);
        Assert.Equal(ExitCode.Ok, CliRun.Of(
            "replay", "--flows", $"{directory}/flows.txt", "--groups", $"{directory}/groups.txt", "--config", $"{directory}/case.json",
            "--in", $"{directory}/events.jsonl.gz", "--out", folder["b.jsonl"]).ExitCode);
        Assert.Equal(File.ReadAllBytes(folder["a.jsonl"]), File.ReadAllBytes(folder["b.jsonl"]));
        Assert.True(new FileInfo(folder["a.jsonl"]).Length > 1000);
    }

    [Theory]
    [InlineData("ct_set_limits", "zone=5", "default=N or zone=Z,limit=N")]
    [InlineData("ct_set_limits", "zone=65536,limit=1", "default=N or zone=Z,limit=N")]
    [InlineData("ct_set_limits", "default=-1", "default=N or zone=Z,limit=N")]
    [InlineData("ct_del_limits", "zone=5,limit=1", "zone=Z[,Z..]")]
    [InlineData("ct_del_limits", "default=1", "zone=Z[,Z..]")]
    public void A_limit_that_cannot_be_read_is_named(string op, string line, string expected)
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["flows.txt"], Flows);
        File.WriteAllText(folder["in.jsonl"], $"{{\"i\":0,\"t\":0,\"op\":\"{op}\",\"lines\":[\"{line}\"]}}\n");
        CliRun run = CliRun.Of("replay", "--flows", folder["flows.txt"], "--ports", "p1=1,p2=2", "--in", folder["in.jsonl"], "--out", folder["out.jsonl"]);
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains($"{line}", run.Error, StringComparison.Ordinal);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Output_named_gz_is_compressed()
    {
        using TemporaryFolder folder = new();
        Replay(folder, folder["out.jsonl"]);
        Replay(folder, folder["out.jsonl.gz"]);
        using StreamReader reader = new(new GZipStream(File.OpenRead(folder["out.jsonl.gz"]), CompressionMode.Decompress));
        Assert.Equal(File.ReadAllText(folder["out.jsonl"]), reader.ReadToEnd());
    }

    [Fact]
    public void Gzip_input_is_recognised_by_its_content()
    {
        using TemporaryFolder folder = new();
        using (GZipStream zipped = new(File.Create(folder["zipped"]), CompressionMode.Compress)) zipped.Write(Encoding.UTF8.GetBytes(Event(0)));
        string flows = folder.Write("flows.txt", Flows);
        Assert.Equal(ExitCode.Ok, CliRun.Of("replay", "--flows", flows, "--ports", "p1=1,p2=2", "--in", folder["zipped"], "--out", folder["out.jsonl"]).ExitCode);
        Assert.Equal($$"""{"i":0,"out":[[2,"{{Frame}}"]]}""", File.ReadLines(folder["out.jsonl"]).First());
    }

    [Fact]
    public void Events_keep_their_numbers_and_order()
    {
        using TemporaryFolder folder = new();
        string[] lines = Replay(folder, folder["out.jsonl"], string.Join("\n", Event(40), "", Event(-3), Event(40)));
        Assert.Equal(4, lines.Length);
        Assert.StartsWith("{\"i\":40,", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("{\"i\":-3,", lines[1], StringComparison.Ordinal);
        Assert.StartsWith("{\"i\":40,", lines[2], StringComparison.Ordinal);
        Assert.StartsWith("{\"final\":{\"rules\":{", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public void A_capture_is_replayed_on_the_chosen_port()
    {
        using TemporaryFolder folder = new();
        byte[] frame = Convert.FromHexString(Frame);
        using (BinaryWriter pcap = new(File.Create(folder["x.pcap"])))
        {
            // pcap header: magic, version 2.4, zone, accuracy, snap length, Ethernet; then two records one second apart.
            foreach (uint word in new uint[] { 0xa1b2c3d4, 0x00040002, 0, 0, 65535, 1 }) pcap.Write(word);
            for (uint i = 0; i < 2; i++)
            {
                foreach (uint word in new uint[] { 1000 + i, 0, (uint)frame.Length, (uint)frame.Length }) pcap.Write(word);
                pcap.Write(frame);
            }
        }
        string flows = folder.Write("flows.txt", "in_port=2 actions=output:1\n");
        Assert.Equal(ExitCode.Ok, CliRun.Of("replay", "--flows", flows, "--ports", "p1=1,p2=2", "--in", folder["x.pcap"], "--port", "2", "--out", folder["out"]).ExitCode);
        string[] lines = File.ReadAllLines(folder["out"]);
        Assert.Equal($$"""{"i":0,"out":[[1,"{{Frame}}"]]}""", lines[0]);
        Assert.Equal($$"""{"i":1,"out":[[1,"{{Frame}}"]]}""", lines[1]);
        Assert.Contains("\"0x0\":{\"n_packets\":2,", lines[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Extract_prints_what_Open_vSwitch_parses()
    {
        using TemporaryFolder folder = new();
        Assert.Equal(ExitCode.Ok, CliRun.Of("extract", "--in", Path.Combine(CaseFiles.DataFolder, "extract.jsonl.gz"), "--out", folder["out"]).ExitCode);
        string[] expected = [.. ExtractVectors.All.Select((v, i) => $"{{\"i\":{i},\"flow\":\"{v.Flow}\"}}")];
        Assert.Equal(expected, File.ReadAllLines(folder["out"]));
    }

    private static string Event(int index) => $$"""{"i":{{index}},"t":0,"op":"pkt","port":1,"hex":"{{Frame}}","comment":[{"unknown":1}]}""";

    private static string[] Replay(TemporaryFolder folder, string output, string? events = null)
    {
        string flows = folder.Write("flows.txt", Flows), input = folder.Write("events.jsonl", events ?? Event(0));
        Assert.Equal(ExitCode.Ok, CliRun.Of("replay", "--flows", flows, "--ports", "p1=1,p2=2", "--in", input, "--out", output).ExitCode);
        return File.ReadAllLines(output);
    }
}
