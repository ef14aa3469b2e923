using System.Globalization;

namespace Mergeflow.Perf;

/// <summary>Processor time of the calling thread, from the Linux scheduler.</summary>
public static class ThreadTime
{
    private const string Source = "/proc/thread-self/schedstat";

    /// <summary>Nanoseconds that the calling thread has run; null where the system does not say.</summary>
    public static long? RunNs() => Column(0);

    /// <summary>Nanoseconds that the calling thread has waited for a processor although it could run; null where the system does not say.</summary>
    public static long? WaitNs() => Column(1);

    private static long? Column(int column)
    {
        try
        {
            return File.Exists(Source) && long.TryParse(File.ReadAllText(Source).Split(' ')[column], CultureInfo.InvariantCulture, out long ns) ? ns : null;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
