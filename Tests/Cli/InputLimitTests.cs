using System.IO.Compression;
using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Inputs that are far larger than they look: one line says so, and no more of them is held than <see cref="InputLimits"/> allows.</summary>
public sealed class InputLimitTests
{
    private const string Event = """{"i":0,"t":5,"op":"pkt","port":1,"hex":"020000000001020000000002080045"}""";

    [Theory]
    [InlineData("replay --flows FLOWS --ports p1=1 --in BOMB --out OUT")]
    [InlineData("replay --flows BOMB --ports p1=1 --in EVENTS --out OUT")]
    [InlineData("replay --flows FLOWS --groups BOMB --ports p1=1 --in EVENTS --out OUT")]
    [InlineData("replay --flows FLOWS --config BOMB --ports p1=1 --in EVENTS --out OUT")]
    [InlineData("extract --in BOMB")]
    [InlineData("merge --flows BOMB --packet tcp")]
    [InlineData("merge --flows DUMP --conntrack BOMB --packet tcp")]
    public void A_line_without_an_end_is_refused(string line)
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "actions=drop\n"), events = folder.Write("events.jsonl", Event);
        string dump = folder.Write("dump.txt", "recirc_id(0),in_port(1),eth(),eth_type(0x0800),ipv4(frag=no), packets:1, bytes:98, used:never, actions:2");
        string bomb = folder["bomb.gz"];
        using (GZipStream gzip = new(File.Create(bomb), CompressionLevel.Fastest))
        {
            byte[] spaces = new byte[1 << 20];
            Array.Fill(spaces, (byte)' ');
            for (int i = 0; i <= InputLimits.MaxLineBytes >> 20; i++) gzip.Write(spaces);
        }

        string filled = line.Replace("BOMB", bomb, StringComparison.Ordinal).Replace("FLOWS", flows, StringComparison.Ordinal).Replace("DUMP", dump, StringComparison.Ordinal)
            .Replace("EVENTS", events, StringComparison.Ordinal).Replace("OUT", folder["out.jsonl"], StringComparison.Ordinal);
        CliRun run = CliRun.Of(filled.Split(' '));
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains("bomb.gz line 1: longer than 64 MiB", run.ErrorLine, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["out.jsonl"]));
    }

    [Fact]
    public void No_more_of_a_line_is_read_than_it_may_have()
    {
        EndlessText text = new("x");
        using LineReader lines = new(text, "x");
        CommandFailedException refused = Assert.Throws<CommandFailedException>(() => lines.TryRead(out _));
        Assert.Equal(ExitCode.BadInput, refused.Code);
        Assert.InRange(text.ReadBytes, 1, InputLimits.MaxLineBytes);
    }

    [Fact]
    public void A_line_of_the_full_length_is_read()
    {
        byte[] text = new byte[InputLimits.MaxLineBytes];
        Array.Fill(text, (byte)' ');
        text[^1] = (byte)'\n';
        using LineReader lines = new(new MemoryStream(text), "x");
        Assert.True(lines.TryRead(out ReadOnlySpan<byte> line));
        Assert.Equal(InputLimits.MaxLineBytes - 1, line.Length);
        Assert.False(lines.TryRead(out _));
    }

    [Theory]
    [InlineData("x", "longer than 64 MiB", InputLimits.MaxLineBytes)]
    [InlineData("a line\n", "the text is larger than 256 MiB", InputLimits.MaxTextBytes)]
    public void No_more_of_a_text_is_read_than_it_may_have(string piece, string message, int mostBytes)
    {
        EndlessText text = new(piece);
        using BoundedTextStream bounded = new(text, "x");
        byte[] buffer = new byte[1 << 16];
        CommandFailedException refused = Assert.Throws<CommandFailedException>(() =>
        {
            while (bounded.Read(buffer) > 0)
            {
            }
        });
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
        Assert.InRange(text.ReadBytes, mostBytes, mostBytes + buffer.Length);
    }

    [Theory]
    [InlineData("--profile")]
    [InlineData("--faults")]
    public void A_configuration_without_an_end_is_refused(string option)
    {
        using TemporaryFolder folder = new();
        string flows = folder.Write("flows.txt", "actions=drop\n"), events = folder.Write("events.jsonl", Event);
        CliRun run = CliRun.Of("replay", "--flows", flows, "--ports", "p1=1", "--in", events, "--out", folder["out.jsonl"], "--offload", "nic", option, "/dev/zero");
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains("larger than 16 MiB", run.ErrorLine, StringComparison.Ordinal);
    }

    private sealed class EndlessText(string piece) : Stream
    {
        public long ReadBytes { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(Span<byte> buffer)
        {
            for (int i = 0; i < buffer.Length; i++) buffer[i] = (byte)piece[i % piece.Length];
            ReadBytes += buffer.Length;
            return buffer.Length;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
