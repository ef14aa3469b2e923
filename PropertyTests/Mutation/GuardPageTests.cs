using System.Diagnostics;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>The guard pages of <see cref="MutatedFrameRun"/> catch what they are there for: a process that reads too far dies, and only with them.</summary>
public sealed class GuardPageTests
{
    private const string Variable = "MERGEFLOW_OVERREAD";
    private const string Guarded = "guarded";
    private const string Open = "open";

    [Theory]
    [InlineData(Guarded, false)]
    [InlineData(Open, true)]
    public async Task A_reader_that_trusts_a_length_dies_at_the_guard(string memory, bool survives)
    {
        var start = new ProcessStartInfo(Path.ChangeExtension(typeof(GuardPageTests).Assembly.Location, null))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("--filter-method");
        start.ArgumentList.Add($"*{nameof(Reads_behind_a_packet)}");
        start.Environment[Variable] = memory;
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        using var child = Process.Start(start)!;
        Task<string> output = child.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        string errors = await child.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await child.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(survives == (child.ExitCode == 0), $"exit code {child.ExitCode}\n{await output}\n{errors}");
        if (!survives) Assert.Contains("AccessViolationException", errors, StringComparison.Ordinal);
    }

    /// <summary>What a kernel with a bug would do; runs in the child only.</summary>
    [Fact]
    public void Reads_behind_a_packet()
    {
        string? memory = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipUnless(memory is Guarded or Open, $"{Variable} is for the test above");
        using var pool = new PacketPool(2, 2048, guarded: memory == Guarded);
        byte[] frame = FrameWriter.Write(new FrameSpec { Src = Domain.Hosts[0], Dst = Domain.Hosts[1], SrcPort = 53, DstPort = 80, Payload = new byte[200] });
        PacketRef packet = pool.RentRef(frame.AsSpan(0, 100), 1);

        // The IPv4 total length says 228, the frame has 86 bytes of that: a parser that believed it would sum up all of them.
        packet.Descriptor.LengthBytes = frame.Length;
        packet.Extract();
        packet.VerifyChecksums();
        Assert.NotEqual(Packet.NoOffset, packet.Descriptor.L4Offset);
    }
}
