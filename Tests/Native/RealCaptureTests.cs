using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Reads every capture of the folder that <c>MERGEFLOW_CAPTURES</c> names, and skips without it.</summary>
public sealed class RealCaptureTests
{
    [Fact]
    public void Every_capture_is_read_whole_or_refused_with_one_line()
    {
        string? folder = Environment.GetEnvironmentVariable("MERGEFLOW_CAPTURES");
        Assert.SkipUnless(Directory.Exists(folder), "MERGEFLOW_CAPTURES names no folder");
        int files = 0;
        foreach (string path in Directory.EnumerateFiles(folder!).Where(p => p.EndsWith(".pcap", StringComparison.Ordinal) || p.EndsWith(".pcapng", StringComparison.Ordinal)).Order())
        {
            files++;
            try
            {
                using CaptureReader reader = CaptureFile.Open(path);
                long frames = 0;
                while (reader.TryRead(out CaptureFrame frame))
                {
                    frames++;
                    Assert.True(frame.CapturedBytes <= frame.OriginalBytes && frame.TimestampNs >= 0, path);
                }

                Assert.Equal(reader.FrameCount, frames);
                TestContext.Current.TestOutputHelper?.WriteLine($"{Path.GetFileName(path)} {reader.Format} frames={frames} cut={reader.CutFrameCount} truncated={reader.Truncated}");
            }
            catch (CaptureFormatException refusal)
            {
                Assert.DoesNotContain('\n', refusal.Message);
                TestContext.Current.TestOutputHelper?.WriteLine(refusal.Message);
            }
        }

        Assert.NotEqual(0, files);
    }
}
