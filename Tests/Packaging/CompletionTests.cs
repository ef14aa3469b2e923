using Mergeflow.Cli;
using Mergeflow.Perf;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The scripts in the shells that they are for.</summary>
public sealed class CompletionTests
{
    /// <summary>How often zsh is asked for its answer, a tenth of a second apart.</summary>
    private const int MostTries = 300;

    /// <summary>What is typed, the last word unfinished, and what has to be offered.</summary>
    public static TheoryData<string, string> Offers => new()
    {
        { "mergeflow off", "offload" },
        { "mergeflow offload w", "why" },
        { "mergeflow offload why --adm", "--admission" },
        { "mergeflow offload why --offload s", "soft" },
        { "mergeflow offload why CtNotE", "CtNotEstablished" },
        { "mergeflow replay --profile ti", "tiny" },
        { "mergeflow replay --case Tests/Data/cases/ct_fire", "ct_firewall" },
        { "mergeflow completion f", "fish" },
        { "run-perf.sh swe", "sweep" },
        { "run-perf.sh sweep --scenario s4_udp_100k_u", "s4_udp_100k_uni" },
        { "run-perf.sh --nic-profile ti", "tiny" },
    };

    [Theory]
    [MemberData(nameof(Offers))]
    public void Bash_offers_it(string typed, string offered)
    {
        Assert.SkipUnless(TypedCommand.Has("bash"), "bash is not installed");
        using TemporaryFolder folder = Scripts("bash");
        string words = string.Join(' ', typed.Split(' ').Select(static w => $"'{w}'"));
        string script = $"source ./script\nCOMP_WORDS=({words})\nCOMP_CWORD={typed.Count(static c => c == ' ')}\n_{typed.Split(' ')[0].Replace('-', '_').Replace('.', '_')}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n";
        (int code, string output, string error) = TypedCommand.Process(folder, "bash", ["--norc", "-c", script]);
        Assert.Equal((0, ""), (code, error));
        Assert.All(output.TrimEnd('\n').Split('\n'), o => Assert.StartsWith(typed.Split(' ')[^1], o, StringComparison.Ordinal));
        Assert.Contains(offered, output.TrimEnd('\n').Split('\n').Select(static o => o.Split('/')[^1]));
    }

    [Fact]
    public void Bash_offers_nothing_where_any_number_goes()
    {
        Assert.SkipUnless(TypedCommand.Has("bash"), "bash is not installed");
        using TemporaryFolder folder = Scripts("bash");
        (int code, string output, _) = TypedCommand.Process(folder, "bash", ["--norc", "-c", "source ./script; COMP_WORDS=(mergeflow replay --seed ''); COMP_CWORD=3; _mergeflow; echo ${#COMPREPLY[@]}"]);
        Assert.Equal((0, "0\n"), (code, output));
    }

    [Theory]
    [MemberData(nameof(Offers))]
    public void Fish_offers_it(string typed, string offered)
    {
        Assert.SkipUnless(TypedCommand.Has("fish"), "fish is not installed");
        using TemporaryFolder folder = Scripts("fish");
        (int code, string output, string error) = TypedCommand.Process(folder, "fish", ["--no-config", "-c", $"source ./script; complete -C '{typed}'"]);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains(offered, output.Split('\n').Select(static l => l.Split('\t')[0].TrimEnd('/').Split('/')[^1]));
    }

    /// <summary>Zsh completes in its line editor only: it gets a terminal, and the tabulator is pressed once.</summary>
    [Theory]
    [MemberData(nameof(Offers))]
    public void Zsh_offers_it(string typed, string offered)
    {
        Assert.SkipUnless(TypedCommand.Has("zsh"), "zsh is not installed");
        using TemporaryFolder folder = TypedCommand.Folder();
        Directory.CreateDirectory(folder["functions"]);
        folder.Write("functions/_mergeflow", ScriptOf(App.Run, "zsh"));
        folder.Write("functions/_run-perf.sh", ScriptOf(PerfApp.Run, "zsh"));
        string script = $$"""
            zmodload zsh/zpty
            zpty shell zsh -f -i
            expect() { local all= part; integer tries=0; while ((tries++ < {{MostTries}})); do zpty -r -t shell part && all+=$part || sleep 0.1; [[ $all == *$~1* ]] && break; done; print -r -- "$all" }
            zpty -w shell "PS1= PS2=; fpath=(\$PWD/functions \$fpath); autoload -Uz compinit; compinit -u -D; finish() { BUFFER=\"print -r -- '<'\$BUFFER'>'\"; zle accept-line }; zle -N finish; bindkey '^I' complete-word; bindkey '^G' finish; print REA''DY"
            expect READY >/dev/null
            zpty -w -n shell '{{typed}}'$'\t\a'
            expect '<{{typed.Split(' ')[0]}}*>'
            zpty -d shell
            """;
        (int code, string output, string error) = TypedCommand.Process(folder, "zsh", ["-f", "-c", script]);
        Assert.Equal((0, ""), (code, error));
        Assert.Matches($"<{System.Text.RegularExpressions.Regex.Escape(typed[..typed.LastIndexOf(' ')])} (\\S*/)?{System.Text.RegularExpressions.Regex.Escape(offered)}", output);
    }

    [Theory]
    [InlineData("bash", "home/.local/share/bash-completion/completions/mergeflow")]
    [InlineData("zsh", "home/.local/share/zsh/site-functions/_mergeflow")]
    [InlineData("fish", "home/.config/fish/completions/mergeflow.fish")]
    public void It_is_put_where_the_shell_looks(string shell, string path)
    {
        using TemporaryFolder folder = TypedCommand.Folder();
        (int code, string output, string error) = TypedCommand.Run(folder, $"mergeflow completion {shell} --install");
        Assert.Equal((0, ""), (code, error));
        Assert.Contains(folder[path], output, StringComparison.Ordinal);
        Assert.Equal(CliRun.Of("completion", shell).Output, File.ReadAllText(folder[path]));
    }

    [Fact]
    public void Without_a_home_nothing_is_installed()
    {
        using TemporaryFolder folder = TypedCommand.Folder();
        (int code, _, string error) = TypedCommand.Run(folder, "HOME= mergeflow completion bash --install");
        Assert.Equal(ExitCode.Failed, code);
        Assert.Equal("mergeflow: --install: neither XDG_DATA_HOME nor HOME says where your files are\n", error);
        Assert.Equal(ExitCode.Usage, CliRun.Of("completion", "tcsh").ExitCode);
    }

    /// <summary>The script of both programs, in one file.</summary>
    private static TemporaryFolder Scripts(string shell)
    {
        TemporaryFolder folder = TypedCommand.Folder();
        folder.Write("script", ScriptOf(App.Run, shell) + ScriptOf(PerfApp.Run, shell));
        return folder;
    }

    private static string ScriptOf(Func<string[], TextWriter, TextWriter, CancellationToken, int> program, string shell)
    {
        using StringWriter script = new();
        Assert.Equal(0, program(["completion", shell], script, TextWriter.Null, TestContext.Current.CancellationToken));
        return script.ToString();
    }
}
