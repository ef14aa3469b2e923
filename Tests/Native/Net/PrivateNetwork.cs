using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Runs a test on a thread that has a network namespace of its own: it is gone with the thread and what the test holds open. Skips where that is not allowed.</summary>
internal static partial class PrivateNetwork
{
    private const int NewNetwork = 0x40000000;

    public static void Run(Action test)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Assert.Skip("needs root: makes a network namespace");
        ExceptionDispatchInfo? failure = null;
        bool isAllowed = true;
        Thread thread = new(() =>
        {
            try
            {
                isAllowed = Unshare(NewNetwork) == 0;
                if (isAllowed) test();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        if (!isAllowed) Assert.Skip("unshare(CLONE_NEWNET) is not allowed here");
        failure?.Throw();
    }

    /// <summary>Runs <c>ip</c> in the namespace of the calling thread; fails with what it says.</summary>
    public static void Ip(string arguments)
    {
        using Process p = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        string error = p.StandardError.ReadToEnd();
        p.WaitForExit();
        Assert.True(p.ExitCode == 0, $"ip {arguments}: {error}");
    }

    [DllImport("libc", EntryPoint = "unshare", SetLastError = true)]
    private static extern int Unshare(int flags);
}
