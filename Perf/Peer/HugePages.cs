using System.Globalization;

namespace Mergeflow.Perf;

/// <summary>Borrows 2 MB pages from the system and gives them back.</summary>
internal sealed class HugePages : IDisposable
{
    private const string Setting = "/proc/sys/vm/nr_hugepages";
    private readonly int _before;

    /// <summary>Asks for pages; see <see cref="Count"/> for what came of it.</summary>
    public HugePages(int wanted)
    {
        _before = Count;
        if (_before < wanted) TrySet(wanted);
    }

    /// <summary>Pages that the system has set aside.</summary>
    public static int Count => File.Exists(Setting) && int.TryParse(File.ReadAllText(Setting), CultureInfo.InvariantCulture, out int n) ? n : 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Count != _before) TrySet(_before);
    }

    private static void TrySet(int pages)
    {
        try
        {
            File.WriteAllText(Setting, pages.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Then there are as many as there were.
        }
    }
}
