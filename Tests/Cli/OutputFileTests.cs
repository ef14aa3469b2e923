using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Plain files appear whole or not at all wherever they lie; what is no plain file is written as it is.</summary>
public sealed class OutputFileTests
{
    [Fact]
    public void A_plain_file_below_dev_is_replaced_whole()
    {
        Assert.SkipUnless(Directory.Exists("/dev/shm"), "this system has no /dev/shm");
        string path = $"/dev/shm/mergeflow-test-{Environment.ProcessId}-{Guid.NewGuid():N}";
        try
        {
            File.WriteAllText(path, new string('x', 1000));
            Write(path, "new\n");
            Assert.Equal("new\n", File.ReadAllText(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void A_linked_file_is_replaced_and_the_link_stays()
    {
        using TemporaryFolder folder = new();
        string target = folder.Write("target", new string('x', 1000));
        File.CreateSymbolicLink(folder["link"], target);
        Write(folder["link"], "new\n");
        Assert.Equal("new\n", File.ReadAllText(target));
        Assert.NotNull(new FileInfo(folder["link"]).LinkTarget);
    }

    [Fact]
    public void A_device_stays_a_device()
    {
        Write("/dev/null", "gone\n");
        Assert.Equal(0, new FileInfo("/dev/null").Length);
        Assert.True(Native.FileKind.IsSpecial("/dev/null"));
        Assert.False(Native.FileKind.IsSpecial("/dev/null/nothing"));
    }

    private static void Write(string path, string text)
    {
        using OutputFile file = OutputFile.Create(path);
        file.Stream.Write(System.Text.Encoding.UTF8.GetBytes(text));
        file.Commit();
    }
}
