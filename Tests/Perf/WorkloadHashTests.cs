using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The workloads are, byte for byte, the ones of the published list: figures can be set beside those of other switches.</summary>
public sealed class WorkloadHashTests
{
    private static readonly Dictionary<string, string> s_published = File.ReadLines(Path.Combine(CaseFiles.DataFolder, "workloads.sha256"))
        .Select(l => l.Split("  ")).ToDictionary(p => p[1], p => p[0]);

    public static TheoryData<string> Names => [.. WorkloadRecipe.Names.Where(n => n != "s6_snat")];

    [Theory]
    [MemberData(nameof(Names))]
    public void Frames_and_rules_are_the_published_ones(string name)
    {
        Workload workload = WorkloadRecipe.Make(name);
        Assert.Equal(s_published[name + ".pcap"], Sha256(Pcap(workload.Frames)));
        string flows = name.StartsWith("s3", StringComparison.Ordinal) ? string.Join('_', name.Split('_')[..2]) : name.StartsWith("s6", StringComparison.Ordinal) ? "s4" : name.Split('_')[0];
        Assert.Equal(s_published[flows + ".flows"], Sha256(Encoding.ASCII.GetBytes(workload.Flows)));
        bool hasSetup = name[1] is '4' or '5';
        Assert.Equal(hasSetup, workload.Setup.Count > 0);
        if (hasSetup) Assert.Equal(s_published[string.Join('_', name.Split('_')[..3]) + "_setup.pcap"], Sha256(Pcap(workload.Setup)));
    }

    [Fact]
    public void SNAT_connections_are_the_UDP_ones_with_other_rules()
    {
        Workload snat = WorkloadRecipe.Make("s6_snat");
        Assert.Equal(s_published["s6_udp.pcap"], Sha256(Pcap(snat.Frames)));
        Assert.Equal(s_published["s5.flows"], Sha256(Encoding.ASCII.GetBytes(snat.Flows)));
    }

    /// <summary>The published captures have a frame per microsecond.</summary>
    private static byte[] Pcap(IReadOnlyList<byte[]> frames)
    {
        byte[] file = new byte[24 + frames.Sum(f => 16 + f.Length)];
        Span<byte> at = file;
        uint[] header = [0xa1b2c3d4, 2 | (4 << 16), 0, 0, 65535, 1];
        foreach (uint word in header) Write(ref at, word);
        for (int i = 0; i < frames.Count; i++)
        {
            Write(ref at, (uint)(i / 1_000_000));
            Write(ref at, (uint)(i % 1_000_000));
            Write(ref at, (uint)frames[i].Length);
            Write(ref at, (uint)frames[i].Length);
            frames[i].CopyTo(at);
            at = at[frames[i].Length..];
        }

        return file;
    }

    private static void Write(ref Span<byte> at, uint word)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(at, word);
        at = at[4..];
    }

    private static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
